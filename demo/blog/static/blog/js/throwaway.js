/**
 * Open a session for a demonstration with the JSON endpoints. Both tokens are in the responses and are
 * kept in this object only. No cookie is sent or set.
 */

import { refusalOf } from "./refusal.js";

const API = "/api/";

/** Sign in as the signed-in user, or as alice. Rejects with a refusal. */
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

/** End the session. Any of its refresh tokens can do that, including used ones. */
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
