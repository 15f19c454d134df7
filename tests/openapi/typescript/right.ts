// A program that signs in, refreshes, reads and writes posts, and reads refusals.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

type Reason = components["schemas"]["TokenRefusalReason"];

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8000" });

export async function signIn(username: string, password: string): Promise<string> {
  const { data, error, response } = await client.POST("/api/token/", {
    body: { username, password },
  });
  if (data) return refresh(data.refresh);
  if (response.status === 429) return `later: ${response.headers.get("Retry-After")}`;
  // Of a 400 it is a list for each field, of a 401 a sentence and a code.
  if ("code" in error && typeof error.code === "string") return error.code;
  const lines: string[] = Object.values(error).flat();
  return lines.join(" ");
}

export async function refresh(token: string): Promise<string> {
  const { data, error } = await client.POST("/api/token/refresh/", {
    params: { header: { "Idempotency-Key": "chosen-once-for-each-token" } },
    body: { refresh: token },
  });
  if (data) {
    // A session that does not rotate keeps its refresh token.
    const next: string = data.refresh ?? token;
    return `${data.access} ${next}`;
  }
  if ("reason" in error && typeof error.reason === "string") {
    const reason = error.reason as Reason;
    return why(reason);
  }
  return "";
}

// Every reason there is: one that were missing here would not compile.
function why(reason: Reason): string {
  const sentences: Record<Reason, string> = {
    malformed: "no token",
    bad_signature: "not ours",
    wrong_type: "another token",
    expired: "too old",
    not_yet_valid: "too new",
    wrong_issuer: "somebody else's",
    wrong_audience: "for somebody else",
    session_ended: "signed out",
    reused: "stolen, perhaps",
    user_inactive: "not active",
    password_changed: "another password",
  };
  return sentences[reason];
}

export async function posts(access: string): Promise<string[]> {
  const headers = { Authorization: `Bearer ${access}` };
  const written = await client.POST("/api/posts/create/", {
    headers,
    body: { title: "A title", body: "A body." },
  });
  const author: string | undefined = written.data?.author;
  const read = await client.GET("/api/posts/", { params: { query: { page: 1 } } });
  return [author ?? "", ...(read.data?.results ?? []).map((post) => post.title)];
}

export async function devices(access: string): Promise<void> {
  const headers = { Authorization: `Bearer ${access}` };
  const { data } = await client.GET("/api/sessions/", { headers });
  for (const session of data ?? []) {
    const address: string | null = session.ip;
    if (address === null || session.current) continue;
    await client.DELETE("/api/sessions/{id}/", { headers, params: { path: { id: session.id } } });
  }
}

export async function whoIsHere(): Promise<string | null> {
  const { data } = await client.GET("/api/browser/session/");
  return data?.user?.username ?? null;
}
