/** Axios, signed in. */

import { getAdapter } from "axios";

/**
 * Send what an instance of axios sends to the API with the client's token.
 *
 * Around the adapter, whichever it is (xhr, http, fetch): what it gets is the request as it goes
 * out, and can go out a second time.
 *
 * @param {import("axios").AxiosInstance} instance
 * @param {import("./ratchet.d.ts").Client} client
 * @returns {() => void} what detaches it again
 */
export function attach(instance, client) {
  const { adapter } = instance.defaults;
  instance.defaults.adapter = async (config) => {
    const send = getAdapter(adapter, config);
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
          // Axios rejects with 4xx and 5xx; that is decided below, when it is over.
          if (!error.response) throw error;
          refusal = error;
          return error.response;
        }
      },
      { signal: config.signal },
    );
    if (refusal) throw refusal;
    return answer;
  };
  return () => {
    instance.defaults.adapter = adapter;
  };
}
