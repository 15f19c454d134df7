/** What a browser offers, or what has to do instead. */

import { orAborted } from "./waiting.js";

export function pageUrl() {
  return globalThis.document?.baseURI ?? globalThis.location?.href;
}

export const browserNetwork = {
  get onLine() {
    return globalThis.navigator?.onLine ?? true;
  },
  addEventListener: (...given) => globalThis.addEventListener?.(...given),
  removeEventListener: (...given) => globalThis.removeEventListener?.(...given),
};

export function browserStorage() {
  try {
    return globalThis.localStorage ?? null; // to look at it may throw already
  } catch {
    return null;
  }
}

export function memoryStorage() {
  const items = new Map();
  return {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => items.set(name, value),
    removeItem: (name) => items.delete(name),
  };
}

export function openBroadcastChannel(name) {
  if (!globalThis.BroadcastChannel) return null;
  const channel = new BroadcastChannel(name);
  channel.unref?.(); // Node would wait for it
  return channel;
}

/** As navigator.locks, for the clients of one page: browsers have it over TLS and on localhost. */
export const queueLocks = {
  tails: new Map(),
  async request(name, { signal }, act) {
    const before = this.tails.get(name) ?? Promise.resolve();
    const turn = before.then(() => {
      signal?.throwIfAborted();
      return act();
    });
    const over = turn.catch(() => {});
    this.tails.set(name, over);
    return Promise.race([turn, orAborted(before, signal).then(() => turn)]);
  },
};
