/** The same for all: made once, by the build. */
export default function About() {
  return <p>About us.</p>;
}
