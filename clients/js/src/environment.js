/** What a browser offers, and what stands in where there is none. */

import { setupError } from "./answers.js";
import { orAborted, throwIfAborted } from "./waiting.js";

/**
 * Whether this is a browser's window, or a worker of one: what is shared here is one person's.
 * Everywhere else one process may serve many people.
 */
export function inBrowser() {
  const { process, document, location, WorkerGlobalScope: Worker } = globalThis;
  // Node is a server with a DOM too (jsdom). Electron's windows have Node, and are windows.
  const isNode = Boolean(process?.versions?.node) && !/^(renderer|worker)$/.test(process.type);
  if (isNode || globalThis.Deno || globalThis.Bun) return false;
  return Boolean(document || (location && Worker && globalThis instanceof Worker));
}

/**
 * What a client works with: the options that it was given, and the browser for the others.
 *
 * @throws {RatchetError} there is no fetch, or a browser keeps no cookies for this page
 */
export function environmentOf(given) {
  const browser = inBrowser();
  if (!globalThis.Request || !(given.fetch ?? globalThis.fetch)) {
    throw setupError("There is no fetch here. In jest, use an environment that has one.");
  }
  if (browser && globalThis.origin === "null" && !given.fetch) {
    throw setupError(
      "This page has no origin of its own, so browsers keep no cookie for it: it is a file, a " +
        "data: URL, or in a frame with sandbox and without allow-same-origin.",
    );
  }
  const usual = {
    fetch: (...asked) => globalThis.fetch(...asked),
    locks: browser ? (globalThis.navigator.locks ?? queueOfPage) : queueLocks(),
    storage: browser ? browserStorage() : null,
    network: browser ? browserNetwork : alwaysOnline,
    openChannel: browser ? openBroadcastChannel : () => null,
    onReturn: browser ? onReturn : () => {},
  };
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...usual, ...Object.fromEntries(chosen) };
}

/** Where addresses without a host lead from; undefined where there is no page. */
export function pageUrl() {
  const url = globalThis.document?.baseURI ?? globalThis.location?.href;
  // A worker that was made of a blob is its page's.
  return /^(blob|data):/.test(url) ? globalThis.origin : url;
}

/** @throws {RatchetError} the address is not complete, and there is no page to complete it */
export function apiUrl(baseUrl) {
  try {
    return new URL(baseUrl.replace(/\/*$/, "/"), pageUrl());
  } catch {
    throw setupError(
      `baseUrl ${JSON.stringify(baseUrl)} leads nowhere, since there is no page here. Write it ` +
        'in full, as in "https://api.example.com/api/".',
    );
  }
}

const browserNetwork = {
  get onLine() {
    return globalThis.navigator.onLine;
  },
  addEventListener: (...given) => globalThis.addEventListener(...given),
  removeEventListener: (...given) => globalThis.removeEventListener(...given),
};

const alwaysOnline = { onLine: true };

function browserStorage() {
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

/** An Idempotency-Key. It signs nobody in; it has to be one that nobody else has. */
export function randomKey() {
  const bytes = new Uint8Array(16);
  // React Native has no crypto unless an app brings it along.
  if (globalThis.crypto) crypto.getRandomValues(bytes);
  else bytes.forEach((_, index) => (bytes[index] = Math.random() * 256));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function openBroadcastChannel(name) {
  return globalThis.BroadcastChannel ? new BroadcastChannel(name) : null;
}

/** Call when the user goes back to a page that the browser had kept as it was. */
function onReturn(listener, signal) {
  globalThis.addEventListener("pageshow", ({ persisted }) => persisted && listener(), { signal });
}

/** As navigator.locks, for those who share what this returns. */
export function queueLocks() {
  const tails = new Map();
  return {
    async request(name, { signal }, act) {
      const before = tails.get(name) ?? Promise.resolve();
      const turn = before.then(() => {
        throwIfAborted(signal);
        return act();
      });
      const over = turn.catch(() => {});
      tails.set(name, over);
      return Promise.race([turn, orAborted(before, signal).then(() => turn)]);
    },
  };
}

/** For the clients of one page: browsers have the real ones over TLS and on localhost. */
const queueOfPage = queueLocks();
