/**
 * The browser's side of drf-ratchet: stays signed in across tabs, reloads and lost answers.
 *
 * The refresh token is in a cookie that no script can read. The access token is in the memory of
 * the client, in each tab. What the tabs agree on is small: one of them at a time talks to the
 * server about the session (a lock), each state of the session has a number that only grows, and
 * the newest state is everybody's (a channel).
 */

import {
  RatchetError,
  claimsOf,
  grantOf,
  isRefusal,
  isSignedOut,
  isTokenRefused,
  refusal,
  withToken,
} from "./answers.js";
import {
  browserNetwork,
  browserStorage,
  openBroadcastChannel,
  pageUrl,
  queueLocks,
} from "./environment.js";
import { Memo } from "./memo.js";
import { Server } from "./server.js";
import { SharedWork, happened, linked, pause } from "./waiting.js";

/** How long the other tabs have to answer when nothing says that one of them knows more. */
const ASK_MS = 100;
/** And when something does: the answer is on its way, unless that tab has just been closed. */
const CATCH_UP_MS = 500;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 8000;

export { RatchetError };

/**
 * A client for one API.
 *
 * @param {import("./ratchet.d.ts").ClientOptions} [options]
 * @returns {import("./ratchet.d.ts").Client}
 */
export function createClient(options) {
  return new Client(options);
}

class Client {
  #base;
  #origin;
  #name;
  #margin;
  #patience;
  #send;
  #server;
  #locks;
  #network;
  #memo;
  #channel;
  #closing = new AbortController();
  #listeners = new Set();
  #arrivals = new Set();
  #restoring = new SharedWork(this.#closing.signal);
  #refreshing = new SharedWork(this.#closing.signal);

  /** The newest state that this tab knows. `grant` is undefined until anybody has asked. */
  #state = { at: 0, grant: undefined, session: null };
  /** The newest state that was asked for in vain: whoever knew it is gone. */
  #missed = 0;

  /** The user's devices. */
  sessions = Object.freeze({
    list: async (options) => (await this.#api("GET", "sessions/", options)).json(),
    end: async (id, options) => {
      const own = this.session?.claims.sid === id;
      await this.#api("DELETE", `sessions/${encodeURIComponent(id)}/`, options);
      // The cookie is of no use any more, and the other tabs have to know.
      if (own) await this.logout(options);
    },
    endAll: (options) => this.logout({ ...options, everywhere: true }),
  });

  constructor({
    baseUrl = "/api/",
    margin = 10,
    patience = 60,
    timeout = 10,
    fetch = (...given) => globalThis.fetch(...given),
    locks = globalThis.navigator?.locks ?? queueLocks,
    storage = browserStorage(),
    network = browserNetwork,
    openChannel = openBroadcastChannel,
  } = {}) {
    this.#base = new URL(baseUrl.replace(/\/*$/, "/"), pageUrl());
    this.#origin = this.#base.origin;
    this.#name = `drf-ratchet ${this.#base.href}`;
    this.#margin = margin * 1000;
    this.#patience = patience * 1000;
    this.#send = fetch;
    this.#server = new Server(this.#base, fetch, timeout * 1000, this.#closing.signal);
    this.#locks = locks;
    this.#network = network;
    this.#memo = new Memo(storage, this.#name);
    this.#channel = openChannel(this.#name);
    this.#channel?.addEventListener("message", ({ data }) => this.#hear(data));
  }

  get session() {
    return this.#state.session;
  }

  async restore({ signal } = {}) {
    if (!this.#usable) await this.#restoring.join((stop) => this.#restore(stop), signal);
    return this.session;
  }

  async login(credentials, { signal } = {}) {
    await this.#exclusively(signal, async () => {
      const answer = await this.#server.ask("browser/login/", { json: credentials, signal });
      this.#settle(grantOf(answer));
    });
    return this.session;
  }

  async stepUp(credentials, { signal } = {}) {
    // An unanswered turn is finished first: its key must not come to stand for the step up.
    if (this.#memo.get("key")) await this.refresh({ signal });
    const access = await this.accessToken({ signal });
    await this.#exclusively(signal, async () => {
      const answer = await this.#turn("browser/step-up/", {
        json: credentials,
        headers: access ? { Authorization: `Bearer ${access}` } : {},
        signal,
      });
      this.#settle(grantOf(answer));
    });
    return this.session;
  }

  async logout({ everywhere = false, signal } = {}) {
    if (everywhere) {
      await this.#api("POST", "logout/all/", { signal }).catch((error) => {
        if (!isSignedOut(error)) throw error; // nobody is signed in: what was wanted
      });
    }
    await this.#exclusively(signal, async () => {
      await this.#server.ask("browser/logout/", { signal });
      this.#settle(null);
    });
  }

  async refresh({ signal } = {}) {
    await this.#refresh(this.#state.at, signal);
    return this.session;
  }

  async accessToken({ signal } = {}) {
    return (await this.#freshGrant(signal))?.access ?? null;
  }

  async fetch(input, init) {
    const target = input instanceof Request ? input : new URL(input, pageUrl() ?? this.#base).href;
    const first = new Request(target, init);
    if (new URL(first.url).origin !== this.#origin || first.headers.has("Authorization")) {
      return this.#send(first);
    }
    const grant = await this.#freshGrant(first.signal);
    if (!grant) return this.#send(first);

    const second = first.clone();
    const answer = await this.#send(withToken(first, grant));
    if (!isTokenRefused(answer)) return answer;
    await this.#refresh(grant.at, second.signal);
    // Signed out, or somebody else meanwhile: what one user meant is not sent as another.
    if (!this.session || this.session.claims.sub !== claimsOf(grant.access).sub) return answer;
    await answer.body?.cancel();
    return this.#send(withToken(second, this.#state.grant));
  }

  onChange(listener) {
    const entry = { listener }; // the same function may listen twice, and stop twice
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  close() {
    this.#closing.abort(new DOMException("The client was closed.", "AbortError"));
    this.#listeners.clear();
    this.#channel?.close();
    this.#channel = null;
  }

  // The state

  get #usable() {
    const { grant } = this.#state;
    if (!grant) return false;
    const margin = Math.min(this.#margin, grant.lifetime / 5);
    return Date.now() < grant.expiresAt - margin;
  }

  /** Whether somebody has brought a newer state than `seen` that answers the question. */
  #hasMovedOn(seen) {
    return this.#state.at > seen && (this.#state.grant === null || this.#usable);
  }

  /** A state that this tab has brought about; called in the lock. */
  #settle(grant) {
    // By the clock, so that it grows even where the storage is lost; by counting, so that it
    // grows even where the clock is set back.
    const at = Math.max(Date.now(), this.#state.at + 1, (this.#memo.marker()?.at ?? 0) + 1);
    this.#memo.mark(at, grant?.expiresAt ?? 0);
    this.#memo.remove("key");
    const state = { at, grant: grant && { ...grant, at } };
    this.#channel?.postMessage(state);
    this.#adopt(state);
  }

  #adopt({ at, grant }) {
    const was = this.session;
    const session = grant
      ? Object.freeze({
          claims: claimsOf(grant.access),
          accessExpiresAt: new Date(grant.expiresAt),
        })
      : null;
    this.#state = { at, grant, session };
    for (const arrived of this.#arrivals) arrived(at);
    if (was === session) return;
    for (const { listener } of [...this.#listeners]) {
      try {
        listener(session);
      } catch (error) {
        // Seen by whoever wrote the listener, and by no other listener.
        (globalThis.reportError ?? console.error)(error);
      }
    }
  }

  #hear(message) {
    if (message.ask) {
      if (this.#state.at > 0) {
        this.#channel?.postMessage({ at: this.#state.at, grant: this.#state.grant });
      }
    } else if (Number.isSafeInteger(message.at) && message.at > this.#state.at) {
      this.#adopt(message);
    }
  }

  /** Ask the other tabs for a state newer than ours, and wait for it a little. */
  async #ask(ms) {
    if (!this.#channel) return;
    const wanted = Math.max(this.#state.at + 1, this.#memo.marker()?.at ?? 0);
    const came = new Promise((resolve) => {
      const arrived = (at) => at >= wanted && done(true);
      const timer = setTimeout(() => done(false), ms);
      const done = (value) => {
        clearTimeout(timer);
        this.#arrivals.delete(arrived);
        resolve(value);
      };
      this.#arrivals.add(arrived);
    });
    this.#channel.postMessage({ ask: true });
    if (!(await came)) this.#missed = wanted;
  }

  // Restoring and refreshing

  async #restore(signal) {
    const seen = this.#state.at;
    const marker = this.#memo.marker();
    // Both at once: a reload with no other tab open should not wait for one.
    const asked = this.#patiently(signal, () =>
      this.#server.ask("browser/session/", { method: "GET" }),
    );
    asked.catch(() => {});
    if (!marker || marker.until > Date.now()) await this.#ask(ASK_MS);
    if (this.#usable) return;
    const { user } = await asked;
    if (user) {
      await this.#refresh(this.#state.at, signal);
    } else if (this.#state.at === seen) {
      this.#adopt({ at: seen, grant: null });
    }
  }

  async #freshGrant(signal) {
    if (this.#state.grant === undefined) await this.restore({ signal });
    if (this.#state.grant && !this.#usable) await this.#refresh(this.#state.at, signal);
    return this.#state.grant;
  }

  async #refresh(seen, signal) {
    do {
      // The lock is given back between two tries, so that nobody's sign-out waits for the network.
      await this.#refreshing.join(
        (stop) =>
          this.#patiently(stop, () => this.#exclusively(stop, () => this.#refreshOnce(seen))),
        signal,
      );
      // What we joined may have been about an older state than the one that we have seen fail.
    } while (this.#state.at <= seen);
  }

  async #refreshOnce(seen) {
    if (this.#hasMovedOn(seen)) return;
    const marker = this.#memo.marker();
    if (!marker) {
      await this.#ask(ASK_MS);
    } else if (marker.at > Math.max(this.#state.at, this.#missed) && marker.until > Date.now()) {
      // Another tab has refreshed, and its word has not reached us yet.
      await this.#ask(CATCH_UP_MS);
    }
    if (this.#hasMovedOn(seen)) return;
    try {
      this.#settle(grantOf(await this.#turn("browser/refresh/", {})));
    } catch (error) {
      if (!isSignedOut(error)) throw error;
      this.#settle(null);
    }
  }

  /** A request that turns the session's counter, with the key that its retries share. */
  async #turn(path, { headers, ...options }) {
    const key = this.#memo.key();
    try {
      return await this.#server.ask(path, {
        ...options,
        headers: { ...headers, "Idempotency-Key": key },
      });
    } catch (error) {
      // After an answer the next turn has a key of its own. Anything else may hide one.
      if (isRefusal(error)) this.#memo.remove("key");
      throw error;
    }
  }

  // The network

  /** A request to the API with the token, whose refusal is an error. */
  async #api(method, path, { signal } = {}) {
    const answer = await this.fetch(new URL(path, this.#base), { method, signal });
    if (!answer.ok) throw refusal(answer, await answer.text());
    return answer;
  }

  /** Act until it succeeds, as long as there is hope. Time offline does not count. */
  async #patiently(signal, act) {
    let giveUp = performance.now() + this.#patience;
    for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)) {
      try {
        return await act();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof RatchetError && error.isTransient)) throw error;
        // Only after a failure: a browser that thinks it is offline still reaches its own machine.
        if (!this.#network.onLine) {
          await happened(this.#network, "online", signal);
          giveUp = performance.now() + this.#patience;
          backoff = FIRST_BACKOFF_MS / 2;
          continue;
        }
        // Spread out: the tabs of all users come back at once when a server does.
        const wait = Math.max(backoff * (0.5 + Math.random() / 2), (error.retryAfter ?? 0) * 1000);
        if (performance.now() + wait > giveUp) throw error;
        await pause(wait, signal);
      }
    }
  }

  async #exclusively(signal, act) {
    const stop = new AbortController();
    const unlink = linked(stop, signal, this.#closing.signal);
    try {
      return await this.#locks.request(this.#name, { signal: stop.signal }, act);
    } finally {
      unlink();
    }
  }
}
