/** The same for all: made once, by the build. */
export const prerender = true;
