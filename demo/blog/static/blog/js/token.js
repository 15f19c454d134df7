/** Show the claims of the access token and its remaining time. */

import { decode } from "./decode.js";
import { byId, element } from "./element.js";
import { inWords } from "./refusal.js";
import { onPress } from "./working.js";

const MEANINGS = {
  alg: "how it is signed",
  typ: "an access token by RFC 9068, so that no other token passes for one",
  kid: "which key signed it",
  sub: "whose it is: the user's id",
  sid: "the session, one per device; it can be ended at any time",
  jti: "the id of this token alone",
  iat: "when it was made",
  exp: "until when it is good",
  auth_time: "when the password was last given",
  amr: "how: a password is pwd, a passkey hwk or swk, a code otp",
  token_type: "an access token; a refresh token is refused where this one is asked for",
  user_id: "the user's id again, added by the blog",
  email: "added by the blog",
  username: "added by the blog",
  role: "added by the blog, and looked up again at every refresh",
};
const TIMES = new Set(["iat", "exp", "auth_time"]);

export function startToken(client) {
  const answer = byId("token-answer");
  let session = null;
  let shown = null;

  async function showToken() {
    const token = await client.accessToken();
    const { header, claims, signature } = decode(token);
    // A newer token may have arrived in the meantime.
    if (claims.jti !== session?.claims.jti) return;
    const [first, second] = token.split(".");
    byId("token-raw").replaceChildren(
      element("span", { class: "part-header" }, first),
      ".",
      element("span", { class: "part-claims" }, second),
      ".",
      element("span", { class: "part-signature" }, signature),
    );
    byId("token-header").replaceChildren(...rows(header));
    byId("token-claims").replaceChildren(...rows(claims));
  }

  // Only display the time: an open page must not keep its session active.
  function count() {
    if (session === null) return;
    const lifetime = session.claims.exp - session.claims.iat;
    const left = Math.max(0, Math.ceil((session.accessExpiresAt - Date.now()) / 1000));
    byId("token-left").max = lifetime;
    byId("token-left").value = left;
    byId("token-left-words").textContent =
      left > 0 ? `${clock(left)} of ${clock(lifetime)}` : "run out; the next request gets a new one";
  }

  function say(words, kind = "") {
    answer.textContent = words;
    answer.dataset.kind = kind;
  }

  onPress(byId("refresh-now"), async () => {
    say("");
    try {
      await client.refresh();
      say("A new access token, and a new refresh token in the cookie. The wheel has turned by a tooth.");
    } catch (error) {
      say(inWords(error), "bad");
    }
  });
  setInterval(count, 1000);

  return (current) => {
    session = current;
    byId("token").hidden = current === null;
    byId("token-hint").hidden = current !== null;
    const token = current?.claims.jti ?? null;
    if (token === shown) return;
    shown = token;
    say("");
    count();
    if (token === null) {
      for (const id of ["token-raw", "token-header", "token-claims"]) byId(id).replaceChildren();
    } else {
      showToken().catch((error) => say(inWords(error), "bad"));
    }
  };
}

function rows(values) {
  return Object.entries(values).map(([name, value]) =>
    element(
      "div",
      { "data-claim": name },
      element("dt", {}, element("code", {}, name)),
      element("dd", { class: "claim-value" }, element("code", {}, written(value)), ...asTime(name, value)),
      element("dd", { class: "claim-meaning" }, MEANINGS[name] ?? ""),
    ),
  );
}

function asTime(name, value) {
  return TIMES.has(name) ? [` ${new Date(value * 1000).toLocaleTimeString()}`] : [];
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function written(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
