/**
 * For apps without cookies: React Native, Expo, Electron, Capacitor. The app gives a storage
 * (SecureStore, the Keychain). The client keeps the refresh token there, and the key for its retry,
 * and writes them before it uses the answer. An app that is killed in between asks again with the
 * same key, and gets the same answer.
 */

import { claimsOf, setupError } from "./answers.js";
import { memoryStorage, queueLocks, randomKey } from "./environment.js";
import { RatchetError, createClient as createCore } from "./ratchet.js";

export { RatchetError };

/**
 * Make a client for one API, whose tokens are in `storage` under `name`.
 *
 * @param {import("./native.d.ts").NativeOptions} options
 * @returns {import("./ratchet.d.ts").Client}
 * @throws {RatchetError} there is no storage
 */
export function createClient({ storage, name = "drf-ratchet", fetch, ...options } = {}) {
  if (!storage?.getItem || !storage.setItem || !storage.removeItem) {
    throw setupError("Pass a storage that has getItem, setItem and removeItem.");
  }
  const { locks, memory, openChannel } = sharedOf(storage, name);
  const send = fetch ?? ((...given) => globalThis.fetch(...given));
  const tokens = new Tokens(storage, name, send);
  return createCore({
    locks,
    storage: memory,
    openChannel,
    ...options,
    // The client passes its own requests as strings, and the app's as a Request.
    fetch: (input, init) =>
      typeof input === "string" ? tokens.asBrowser(input, init) : send(input, init),
  });
}

/** Answers for the endpoints for browsers: asks those for apps, and keeps the tokens in the storage. */
class Tokens {
  #storage;
  #name;
  #send;

  constructor(storage, name, send) {
    this.#storage = named(storage);
    this.#name = name;
    this.#send = send;
  }

  async asBrowser(url, init) {
    const [base, endpoint] = url.split(/browser\/(?=[a-z-]+\/$)/);
    if (endpoint === undefined) return this.#send(url, init);
    const post = (path, body, headers = {}) =>
      this.#send(base + path, {
        ...init,
        method: "POST",
        headers: { ...init.headers, "Content-Type": "application/json", ...headers },
        body: JSON.stringify(body),
        credentials: "omit",
      });
    const form = init.body ? JSON.parse(init.body) : {};
    const kept = await this.#read();
    const key = kept && { "Idempotency-Key": kept.key };

    switch (endpoint) {
      case "session/":
        return said(200, { session: kept ? claimsOf(kept.refresh).sid : null });
      case "login/": {
        const answer = await this.#keep(await post("token/", form));
        // A device has one session, as a browser has.
        if (answer.ok && kept) post("logout/", { refresh: kept.refresh }).catch(() => {});
        return answer;
      }
      case "logout/": {
        if (!kept) return said(200, {});
        const answer = await post("logout/", { refresh: kept.refresh });
        // 400: another server's token. There is no session to end.
        if (!answer.ok && answer.status !== 400) return answer;
        await this.#storage.removeItem(this.#name);
        return said(200, {});
      }
    }
    if (!kept) return said(401, { detail: "Nobody is signed in.", code: "not_authenticated" });
    const { refresh } = kept;
    const path = endpoint === "refresh/" ? "token/refresh/" : endpoint;
    return this.#keep(await post(path, { ...form, refresh }, key), refresh);
  }

  /** Write the tokens of an answer, unless the storage has another one than `used`; return it. */
  async #keep(answer, used) {
    if (!answer.ok) return answer;
    const text = await answer.text();
    const { access, refresh } = tokensIn(text);
    if (!access) return said(200, text);
    // Another process may have refreshed meanwhile. Its token is newer.
    if (refresh && (!used || (await this.#read())?.refresh === used)) {
      const item = JSON.stringify({ refresh, key: randomKey() });
      await this.#storage.setItem(this.#name, item);
    }
    const { iat, exp } = claimsOf(access);
    return said(200, { access, expires_in: exp - iat });
  }

  /** Return the refresh token and its key, or null. Ignore what the client has not written. */
  async #read() {
    const text = await this.#storage.getItem(this.#name);
    try {
      const { refresh, key } = JSON.parse(text);
      return key && claimsOf(refresh) && { refresh, key };
    } catch {
      return null;
    }
  }
}

/** The storage, whose failures are not taken for the server's. */
function named(storage) {
  const method = (name) => async (...given) => {
    try {
      return await storage[name](...given);
    } catch (cause) {
      const detail = `The app's storage failed in ${name}().`;
      throw new RatchetError({ code: "storage_failed", detail, cause });
    }
  };
  const names = ["getItem", "setItem", "removeItem"];
  return Object.fromEntries(names.map((name) => [name, method(name)]));
}

function tokensIn(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** Make what the client reads of a Response. */
function said(status, body) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { ok: status < 400, status, headers: new Map(), text: async () => text };
}

// What the clients of one storage share, as tabs do.
const shared = new WeakMap();

function sharedOf(storage, name) {
  if (!shared.has(storage)) shared.set(storage, new Map());
  const names = shared.get(storage);
  if (!names.has(name)) {
    names.set(name, { locks: queueLocks(), memory: memoryStorage(), openChannel: channels() });
  }
  return names.get(name);
}

/** As BroadcastChannel. */
function channels() {
  const all = new Set();
  return () => {
    const listeners = new Set();
    const channel = {
      addEventListener: (_, listener) => listeners.add(listener),
      postMessage(data) {
        for (const other of all) {
          if (other !== channel) setTimeout(() => all.has(other) && other.hear({ data }));
        }
      },
      hear: (event) => listeners.forEach((listener) => listener(event)),
      close: () => all.delete(channel),
    };
    all.add(channel);
    return channel;
  };
}
