/** What the server says, read. */

/** What the server refused, or why there was no answer. */
export class RatchetError extends Error {
  name = "RatchetError";

  /** @param {{status?: number, code: string, detail: string, reason?: string | null,
   *    fields?: Record<string, string[]>, retryAfter?: number | null, cause?: unknown}} what */
  constructor({ status = 0, code, detail, reason = null, fields = {}, retryAfter = null, cause }) {
    super(detail, { cause });
    /** The HTTP status; 0 where no answer came. */
    this.status = status;
    /** A stable word: the server's, or one of the client's own (see ratchet.d.ts). */
    this.code = code;
    /** Why a token was refused, or null. */
    this.reason = reason;
    /** A sentence for people. */
    this.detail = detail;
    /** What is wrong with each field of the form. */
    this.fields = fields;
    /** In how many seconds another try makes sense, or null. */
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may well succeed later. */
  get isTransient() {
    const { code, status } = this;
    const words = ["no_answer", "locked", "storage_failed"];
    return words.includes(code) || status === 429 || status >= 500;
  }
}

/** What somebody has to put right in the page or on the server before it can work. */
export function setupError(detail) {
  return new RatchetError({ code: "setup", detail });
}

export function grantOf(body) {
  if (body.access === undefined && body.expires_in) {
    throw setupError(
      "The server puts the access token into a cookie. This client needs it in the answer: leave " +
        'DRF_RATCHET["ACCESS_TOKEN_COOKIE"] out, or use fetch alone.',
    );
  }
  const lifetime = body.expires_in * 1000;
  try {
    if (!(lifetime > 0) || !claimsOf(body.access)) throw new TypeError("no lifetime");
  } catch (cause) {
    throw badAnswer("The server's answer holds no access token and its lifetime.", { cause });
  }
  // From now, and not by the token's own "exp": this clock may be wrong, but it runs.
  return { access: body.access, lifetime, expiresAt: Date.now() + lifetime };
}

/** What a token says, frozen to the bottom. Unverified: only the server can tell. */
export function claimsOf(access) {
  const bytes = atob(access.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  // Not by TextDecoder, which jsdom has not.
  const hex = (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0");
  const text = decodeURIComponent(bytes.replace(/[^]/g, (byte) => `%${hex(byte)}`));
  return JSON.parse(text, (_, value) => Object.freeze(value));
}

/** RFC 6750 section 3.1; other 401s (a step up that is wanted, say) are the caller's matter. */
export function isTokenRefused(answer) {
  const challenge = answer.headers.get("WWW-Authenticate") ?? "";
  return answer.status === 401 && /^Bearer\b.*\berror="?invalid_token\b/i.test(challenge);
}

/** The words of the contract for "no session is here". */
const SIGNED_OUT = ["token_not_valid", "not_authenticated"];

/** Whether the server says that nobody is signed in. A gateway has 401s of its own. */
export function isSignedOut(error) {
  return error.status === 401 && SIGNED_OUT.includes(error.code);
}

/**
 * Whether the server has answered, and with a refusal. Silence, a failure and the page of
 * something in front of it may each hide that it has done what was asked.
 */
export function isRefusal(error) {
  if (!(error instanceof RatchetError) || error.isTransient) return false;
  // What is wrong with a form is told by field, and without a code.
  if (error.code === "invalid") return error.status === 400;
  return error.code !== "bad_answer" && error.code !== "error";
}

export function bodyOf(answer, text) {
  try {
    const body = JSON.parse(text);
    if (body !== null && typeof body === "object") return body;
  } catch {
    // as below
  }
  throw badAnswer("The server's answer is no JSON object. Is baseUrl right?", answer);
}

function badAnswer(detail, { status = 200, cause }) {
  return new RatchetError({ status, code: "bad_answer", detail, cause });
}

export function refusal(answer, text) {
  let body = {};
  try {
    body = bodyOf(answer, text);
  } catch {
    // A proxy's page, most likely.
  }
  const { detail, code, reason, ...others } = body;
  // The server's own refusals have both. A gateway's JSON may have a code for itself.
  const ours = typeof code === "string" && typeof detail === "string";
  const fields = Object.fromEntries(
    Object.entries(others).filter(([, value]) => Array.isArray(value)),
  );
  // Seconds only. A date would be read by a clock that may be wrong.
  const retryAfter = /^\d+$/.exec(answer.headers.get("Retry-After") ?? "")?.[0];
  return new RatchetError({
    status: answer.status,
    code: ours ? code : Object.keys(fields).length ? "invalid" : "error",
    detail: detail ?? Object.values(fields)[0]?.[0] ?? `The server answered ${answer.status}.`,
    reason,
    fields,
    retryAfter: retryAfter === undefined ? null : Number(retryAfter),
  });
}
