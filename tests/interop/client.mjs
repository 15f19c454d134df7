// jose as a service would use it. Commands come as lines of JSON, and each is answered by one.
//
//   {"do": "fetched", "token": …}            verify by the key set, kept from one call to the next
//   {"do": "secret", "token": …, "secret"}   verify by a shared secret (base64url)
//   {"do": "sign", "claims": …, "jwk": …}    sign as the server does
//   {"do": "knows", "alg": …}                whether this Node has the algorithm, jose aside
//
// The answer is {"ok": …} or {"error": "<its code>"}.
import { createInterface } from "node:readline";
import { createRemoteJWKSet, importJWK, jwtVerify, SignJWT } from "jose";

// Times in milliseconds. No cooldown: a key set is fetched once it is too old, or lacks a key.
const keySet = createRemoteJWKSet(new URL(process.argv[2]), {
  cacheMaxAge: 500,
  cooldownDuration: 0,
});

const tasks = {
  async fetched({ token }) {
    return (await jwtVerify(token, keySet, { typ: "at+jwt" })).payload.sub;
  },
  async secret({ token, secret }) {
    const bytes = Buffer.from(secret, "base64url");
    return (await jwtVerify(token, bytes, { typ: "at+jwt" })).payload.sub;
  },
  async sign({ claims, jwk }) {
    const header = { alg: jwk.alg, typ: "at+jwt", kid: jwk.kid };
    return new SignJWT(claims).setProtectedHeader(header).sign(await importJWK(jwk, jwk.alg));
  },
  async knows({ alg }) {
    await crypto.subtle.generateKey({ name: alg }, false, ["sign", "verify"]);
    return true;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { ok: await tasks[command.do](command) };
  } catch (error) {
    answer = { error: error.code ?? error.name };
  }
  console.log(JSON.stringify(answer));
}
