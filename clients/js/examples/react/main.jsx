import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { SessionProvider, useClient, useSession } from "drf-ratchet/react";

import { api, client } from "./client.js";

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

function SignIn() {
  const { login } = useClient();
  const [why, setWhy] = useState("");
  const submit = (event) => {
    event.preventDefault();
    login(Object.fromEntries(new FormData(event.target))).catch((error) => setWhy(error.detail));
  };
  return (
    <form onSubmit={submit}>
      <input name="username" autoComplete="username" />
      <input name="password" type="password" autoComplete="current-password" />
      <button>Sign in</button>
      <p role="alert">{why}</p>
    </form>
  );
}

function Account({ session }) {
  const { logout, refresh } = useClient();
  const [answer, setAnswer] = useState("");
  const ask = async () => setAnswer((await api.get("protected/")).data.message);
  const askInWorker = () => {
    worker.onmessage = ({ data }) => setAnswer(`The worker: ${data}`);
    worker.postMessage("ask");
  };
  return (
    <>
      <p>Signed in as {session.claims.username}</p>
      <button onClick={ask}>Ask</button>
      <button onClick={askInWorker}>Ask in a worker</button>
      <button onClick={() => refresh()}>Refresh</button>
      <button onClick={() => logout()}>Sign out</button>
      <button onClick={() => worker.postMessage("sign out")}>Sign out in a worker</button>
      <output>{answer}</output>
    </>
  );
}

function Page() {
  const { session, isLoading } = useSession();
  if (isLoading) return <p>…</p>;
  return session ? <Account session={session} /> : <SignIn />;
}

createRoot(document.getElementById("app")).render(
  <StrictMode>
    <SessionProvider client={client}>
      <Page />
    </SessionProvider>
  </StrictMode>,
);
