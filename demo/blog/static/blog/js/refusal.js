/** Turn refusals of the server into sentences for people. */

import { inFuture } from "./when.js";

/** Return the properties of the client's RatchetError for an unsuccessful response. */
export async function refusalOf(response) {
  const body = await response.json().catch(() => ({}));
  const { detail, code, reason, ...fields } = body;
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  return { status: response.status, detail, code, reason, fields, retryAfter };
}

/** Return a sentence about a refusal or another error. */
export function inWords(error) {
  if (error.status === 429) {
    return `Too many attempts. Try again ${inFuture(error.retryAfter ?? 60)}.`;
  }
  if (error.code === "no_active_account") {
    return "That name and that password do not go together. Try again, or use one of the buttons.";
  }
  if (error.reason === "session_ended") return "This session has ended. Please sign in again.";
  const fields = Object.entries(error.fields ?? {});
  if (fields.length > 0) {
    return fields.map(([name, problems]) => `${name}: ${[problems].flat().join(" ")}`).join(" ");
  }
  if (error.detail) return error.detail;
  if (error.status) return `The server answered ${error.status}.`;
  return "The server cannot be reached. Is the demo still running?";
}

/** Return the status and the body of the response. */
export function verbatim(refusal) {
  const said = [refusal.code, refusal.reason].filter(Boolean).join(", ");
  return `${refusal.status}${said ? ` ${said}` : ""}: ${refusal.detail ?? "no detail"}`;
}
