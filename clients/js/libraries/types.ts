/** The types as an app in TypeScript uses them: compiled, never run. */

import { createClient, RatchetError, type Client, type Session } from "drf-ratchet";
import { attach } from "drf-ratchet/axios";
import { createClient as createNative } from "drf-ratchet/native";
import { SessionProvider, useClient, useSession } from "drf-ratchet/react";
import axios from "axios";
import { createElement } from "react";

const client: Client = createClient({ baseUrl: "/api/", timeout: 5 });
const { login, fetch } = client;
const asWindows: typeof window.fetch = client.fetch;
const stop: () => void = client.onChange((session: Session | null) => session?.claims.sub);

export async function use(signal: AbortSignal): Promise<string | null> {
  const session: Session = await login({ username: "alice", password: "…" }, { signal });
  const role = session.claims.role as string;
  await client.logout({ everywhere: true, keepalive: true });
  const answer: Response = await fetch(new URL("https://shop.example/api/"), { method: "POST" });
  const same: Response = await client.authorize("/api/", async (token) => asWindows(`${token}`));
  try {
    await client.stepUp({ password: "…" });
  } catch (error) {
    if (error instanceof RatchetError && error.code === "user_changed") return error.reason;
  }
  stop();
  return (await client.accessToken()) ?? role ?? answer.url ?? same.url;
}

const detach: () => void = attach(axios.create(), client);
detach();

export const native: Client = createNative({ baseUrl: "https://shop.example/api/", storage: localStorage });
createNative({
  baseUrl: "https://shop.example/api/",
  name: "shop",
  storage: { getItem: async () => null, setItem: async () => {}, removeItem: async () => {} },
});
// @ts-expect-error an app has no page that an address could lead from
createNative({ storage: localStorage });
// @ts-expect-error there is no such option
createClient({ basePath: "/api/" });

export function Account() {
  const { session, isLoading, error, retry } = useSession();
  const { logout } = useClient();
  if (error) retry?.();
  return isLoading ? null : createElement("b", { onClick: () => logout() }, session?.claims.sub);
}
export const App = () => createElement(SessionProvider, { client }, createElement(Account));
