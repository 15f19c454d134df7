/** Axios, signed in. */

import { getAdapter } from "axios";

/**
 * Send the requests of an axios instance to the API with the client's token.
 *
 * It wraps each request's adapter (xhr, http, fetch), which gets the final request and can send it
 * twice.
 *
 * @param {import("axios").AxiosInstance} instance
 * @param {import("./ratchet.d.ts").Client} client
 * @returns {() => void} detaches it again
 */
export function attach(instance, client) {
  const { request } = instance.interceptors;
  const id = request.use((config) => {
    const { adapter } = config;
    config.adapter = (final) => sendAs(client, instance, final, getAdapter(adapter, final));
    return config;
  });
  return () => request.eject(id);
}

async function sendAs(client, instance, config, send) {
  if (config.headers.has("Authorization")) return send(config);
  let refusal;
  const answer = await client.authorize(
    instance.getUri(config),
    async (token) => {
      if (token) config.headers.set("Authorization", `Bearer ${token}`);
      refusal = undefined;
      try {
        return await send(config);
      } catch (error) {
        // Axios rejects with 4xx and 5xx. This is thrown again below, unless a retry succeeds.
        if (!error.response) throw error;
        refusal = error;
        return error.response;
      } finally {
        // Errors and answers carry the config: into logs, and into retries by other libraries.
        if (token) config.headers.delete("Authorization");
      }
    },
    { signal: config.signal },
  );
  if (refusal) throw refusal;
  return answer;
}
