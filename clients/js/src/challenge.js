// What a refusal asks for: RFC 9470's challenge of a 401 `reauthentication_required`.

/**
 * Return what a response asks the user to prove, or null if it asks for nothing.
 *
 * @param {Response} response of `client.fetch()`, or any other with `status` and `headers`.
 * @returns {{ acr: string[], amr: string[], maxAge: number | null } | null}
 */
export function challengeOf(response) {
  const header = response.status === 401 ? response.headers.get("www-authenticate") : null;
  // Long headers are no challenge of ours.
  if (!header || header.length > 4096) return null;
  if (!/(^|[\s,])error="insufficient_user_authentication"/.test(header)) return null;
  const said = (name) => header.match(new RegExp(`(?:^|[\\s,])${name}="?([^",]*)"?`))?.[1] ?? "";
  const words = (name) => said(name).split(" ").filter(Boolean);
  const seconds = said("max_age");
  return {
    acr: words("acr_values"),
    amr: words("amr_values"),
    maxAge: /^\d{1,9}$/.test(seconds) ? Number(seconds) : null,
  };
}
