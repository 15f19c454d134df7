// Mistakes: each line that ends in "// wrong" must not compile.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8000" });

export async function mistakes(): Promise<void> {
  await client.POST("/api/token/", { body: { username: "alice" } }); // wrong
  await client.POST("/api/tokens/", { body: { username: "alice", password: "" } }); // wrong
  await client.GET("/api/token/"); // wrong
  const pair = await client.POST("/api/token/", { body: { username: "a", password: "b" } });
  const unchecked: string = pair.data.access; // wrong
  const next = await client.POST("/api/token/refresh/", { body: { refresh: unchecked } });
  const always: string = next.data!.refresh; // wrong
  await client.DELETE("/api/sessions/{id}/", {}); // wrong
  const reason: components["schemas"]["TokenRefusalReason"] = "stolen"; // wrong
  const one = await client.GET("/api/posts/{id}/", { params: { path: { id: 1 } } });
  const title: number = one.data!.title; // wrong
  console.log(always, reason, title);
}
