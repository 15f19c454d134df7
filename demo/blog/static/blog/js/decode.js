/** Decode tokens. They are signed, not encrypted; only the server can verify them. */

export function decode(token) {
  const [header, claims, signature] = token.split(".");
  return { header: json(header), claims: json(claims), signature };
}

/** Return a short name of a token: the last characters of its signature. */
export function shortName(token) {
  return `…${token.slice(-6)}`;
}

function json(part) {
  const bytes = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
}
