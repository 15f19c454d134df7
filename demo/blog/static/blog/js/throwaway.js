/**
 * A session of its own for a demonstration, over the JSON endpoints: both tokens are in the answers, are
 * held here and nowhere else, and no cookie is sent or set.
 */

import { refusalOf } from "./refusal.js";

const API = "/api/";

/** Sign in as whoever uses the page, or as alice. Rejects with a refusal. */
export async function signInThrowaway(client) {
  const known = Array.from(document.querySelectorAll("button[data-user]"), (button) => button.dataset.user);
  const me = client.session?.claims.username;
  const username = known.includes(me) ? me : known[0];
  const answer = await post("token/", { username, password: document.body.dataset.demoPassword });
  if (!answer.ok) throw answer.refusal;
  return { username, ...answer.tokens };
}

export function refreshThrowaway(refresh) {
  return post("token/refresh/", { refresh });
}

/** Any refresh token of a session ends it, also one that was used. */
export function endThrowaway(refresh) {
  return post("logout/", { refresh });
}

async function post(path, body) {
  const response = await fetch(API + path, {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const { ok, status } = response;
  if (ok) return { ok, status, tokens: await response.json() };
  return { ok, status, refusal: await refusalOf(response) };
}
