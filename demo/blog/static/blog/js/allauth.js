/** allauth's headless API for browsers. */

import { authenticateBy, registerPasskey } from "./passkey.js";

const BASE = "/_allauth/browser/v1/";

/**
 * Send a request and return the body. A body with `meta.is_authenticated` false lists the `flows`
 * that go on from there.
 *
 * @throws an object that `inWords` takes: allauth refuses, or does not answer
 */
async function ask(method, path, body) {
  const response = await fetch(BASE + path, {
    method,
    headers: {
      Accept: "application/json",
      "X-CSRFToken": csrfToken(),
      ...(body && { "Content-Type": "application/json" }),
    },
    body: body && JSON.stringify(body),
    cache: "no-store",
  });
  const answer = await response.json().catch(() => ({}));
  // A sign-in that goes on, and an authenticator app that is not there yet, are no errors.
  if (response.ok || (response.status === 401 && answer.meta?.is_authenticated === false)) return answer;
  if (response.status === 404 && answer.meta?.secret) return answer;
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const detail = answer.errors?.map((error) => error.message).join(" ");
  throw { status: response.status, detail, retryAfter };
}

export function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
}

/** Return the flow that an unfinished sign-in waits for, or null. */
function pending(answer) {
  return answer.data?.flows?.find((flow) => flow.is_pending) ?? null;
}

export const signUp = async (account) => pending(await ask("POST", "auth/signup", account));
export const verifyAddress = (code) => ask("POST", "auth/email/verify", { key: code });
/** Prove the password again, which allauth wants before a factor is added. */
export const reauthenticate = (password) => ask("POST", "auth/reauthenticate", { password });
export const byPassword = async (fields) => pending(await ask("POST", "auth/login", fields));
/** Return the flow that the sign-in of this browser waits for, or null. */
export const flowHere = async () => pending(await ask("GET", "auth/session"));
export const bySecondCode = (code) => ask("POST", "auth/2fa/authenticate", { code });
export const bySecondPasskey = () => assertAt("auth/webauthn/authenticate");
export const byPasskey = () => assertAt("auth/webauthn/login");
/** Sign out of allauth. It responds with 401, because nobody is signed in then. */
export const leave = () => ask("DELETE", "auth/session");

async function assertAt(path) {
  const { data } = await ask("GET", path);
  return ask("POST", path, { credential: await authenticateBy(data.request_options) });
}

export async function addPasskey(name) {
  const path = "account/authenticators/webauthn";
  const { data } = await ask("GET", `${path}?passwordless`);
  await ask("POST", path, { name, credential: await registerPasskey(data.creation_options) });
}

/** Return the secret of a new authenticator app, which `addApp` confirms. */
export async function secretOfApp() {
  return (await ask("GET", "account/authenticators/totp")).meta.secret;
}

export const addApp = (code) => ask("POST", "account/authenticators/totp", { code });

/** Exchange allauth's session for ours. */
export function exchange(client) {
  const headers = { "X-CSRFToken": csrfToken() };
  return client.login({}, { path: "browser/session/exchange/", headers });
}
