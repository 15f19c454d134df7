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
  setupError,
} from "./answers.js";
import { Endpoints } from "./endpoints.js";
import { apiUrl, environmentOf, inBrowser, pageUrl } from "./environment.js";
import { Memo } from "./memo.js";
import {
  SharedWork,
  abortError,
  happened,
  linked,
  pause,
  throwIfAborted,
} from "./waiting.js";

/** How long the other tabs have to answer when nothing says that one of them knows more. */
const ASK_MS = 100;
/** And when something does: the answer is on its way, unless that tab has just been closed. */
const CATCH_UP_MS = 500;
/** How much longer than one request a tab may hold the lock before it counts as stopped. */
const LOCK_SLACK_MS = 1000;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 8000;

export { RatchetError };

/**
 * Make a client for one API. It looks for nothing, and opens nothing, before it is used.
 *
 * @param {import("./ratchet.d.ts").ClientOptions} [options]
 * @returns {import("./ratchet.d.ts").Client}
 */
export function createClient(options) {
  return new Client(options);
}

// The public methods are arrow functions: libraries take them as options, without the client.
class Client {
  #baseUrl;
  #margin;
  #patience;
  #timeout;
  #given;
  #closing = new AbortController();
  #listeners = new Set();
  #arrivals = new Set();
  #restoring = new SharedWork(this.#closing.signal);
  #refreshing = new SharedWork(this.#closing.signal);

  /** The newest state that this tab knows. `grant` is undefined until anybody has asked. */
  #state = { at: 0, grant: undefined, session: null };
  /** The newest state that was asked for in vain: whoever knew it is gone. */
  #missed = 0;
  #opened = null;

  constructor({ baseUrl = "/api/", margin = 10, patience = 60, timeout = 10, ...given } = {}) {
    this.#baseUrl = baseUrl;
    this.#margin = margin * 1000;
    this.#patience = patience * 1000;
    this.#timeout = timeout * 1000;
    this.#given = given;
  }

  get session() {
    return this.#state.session;
  }

  restore = async ({ signal } = {}) => {
    this.#demandOpen();
    if (!this.#usable) await this.#restoring.join((stop) => this.#restore(stop), signal);
    return this.session;
  };

  login = async (credentials, { path = "browser/login/", headers, signal } = {}) => {
    await this.#exclusively(signal, async () => {
      const request = { json: credentials, headers, signal };
      const answer = await this.#here.server.ask(path, request);
      const grant = grantOf(answer);
      await this.#demandCookie(grant, signal);
      this.#settle(grant);
    });
    return this.session;
  };

  stepUp = async (credentials, { signal } = {}) => {
    const was = await this.#known(signal);
    // A turn whose answer was lost, in whatever tab, is finished first: it has another key.
    if (was) await this.#refresh(this.#state.at, signal);
    const access = (await this.#freshGrant(was, signal))?.access;
    const { memo } = this.#here;
    try {
      await this.#exclusively(signal, async () => {
        await this.#catchUp();
        this.#demandSameUser(was);
        const answer = await this.#turn("browser/step-up/", memo.newKey(), {
          json: credentials,
          headers: access ? { Authorization: `Bearer ${access}` } : {},
          signal,
        });
        this.#settle(grantOf(answer));
      });
    } catch (error) {
      // It may have been done, and the answer lost. Whoever has no such key cannot go on from there.
      if (memo.key()) this.#refresh(this.#state.at).catch(() => {});
      throw error;
    }
    return this.session;
  };

  logout = async ({ everywhere = false, keepalive = false, signal } = {}) => {
    if (everywhere) {
      await this.#api("POST", "logout/all/", { keepalive, signal }).catch((error) => {
        if (!isSignedOut(error)) throw error; // nobody is signed in: what was wanted
      });
    }
    const leave = async () => {
      await this.#here.server.ask("browser/logout/", { keepalive, signal });
      this.#settle(null);
    };
    // A page that goes away cannot wait for its turn.
    await (keepalive ? leave() : this.#exclusively(signal, leave));
  };

  refresh = async ({ signal } = {}) => {
    this.#demandOpen();
    await this.#refresh(this.#state.at, signal);
    return this.session;
  };

  accessToken = async ({ signal } = {}) => {
    const was = await this.#known(signal);
    return (await this.#freshGrant(was, signal))?.access ?? null;
  };

  fetch = async (input, init) => {
    const { fetch } = this.#here;
    const first = this.#request(input, init);
    if (first.headers.has("Authorization")) return fetch(first);
    let again;
    const send = (token) => {
      if (token && first.mode === "no-cors") {
        throw setupError("A request of mode no-cors cannot carry a token. Leave the mode out.");
      }
      const request = again ?? first;
      if (token) {
        again ??= first.clone();
        request.headers.set("Authorization", `Bearer ${token}`);
      }
      return fetch(request);
    };
    return this.authorize(first.url, send, first);
  };

  authorize = async (url, send, { signal, keepalive } = {}) => {
    const { base } = this.#here;
    if (new URL(url, pageUrl() ?? base).origin !== base.origin) return send(null);
    const was = await this.#known(signal);
    const grant = await this.#freshGrant(was, signal, keepalive);
    if (!grant) {
      if (was) throw signedOut();
      return send(null);
    }
    const answer = await send(grant.access);
    if (!isTokenRefused(answer)) return answer;
    await this.#refresh(grant.at, signal);
    if (!this.session) return answer; // which says so
    await answer.body?.cancel();
    this.#demandSameUser(was);
    return send(this.#state.grant.access);
  };

  onChange = (listener) => {
    // The other tabs are heard from now on, where there can be any.
    if (!this.#closing.signal.aborted && (inBrowser() || this.#given.openChannel)) this.#here;
    const entry = { listener }; // the same function may listen twice, and stop twice
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  };

  close = () => {
    this.#closing.abort(abortError("The client was closed."));
    this.#listeners.clear();
    this.#opened?.channel?.close();
  };

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

  // What it works with

  get #here() {
    this.#demandOpen();
    return (this.#opened ??= this.#open());
  }

  #open() {
    const { fetch, locks, storage, network, openChannel, onReturn } = environmentOf(this.#given);
    const base = apiUrl(this.#baseUrl);
    const name = `drf-ratchet ${base.href}`;
    const { signal } = this.#closing;
    const channel = openChannel(name);
    channel?.addEventListener("message", ({ data }) => this.#hear(data));
    onReturn(() => this.#recheck(signal).catch(() => {}), signal);
    return {
      base,
      name,
      fetch,
      locks,
      network,
      channel,
      memo: new Memo(storage, name),
      server: new Endpoints(base, fetch, this.#timeout, signal),
    };
  }

  #demandOpen() {
    throwIfAborted(this.#closing.signal);
  }

  /** A request as window.fetch makes it; with an API elsewhere, addresses lead from baseUrl. */
  #request(input, init) {
    if (input instanceof Request) return new Request(input, init);
    const { base } = this.#here;
    const page = pageUrl();
    const isAtHome = page !== undefined && new URL(page).origin === base.origin;
    return new Request(new URL(input, isAtHome ? page : base), init);
  }

  // The state

  get #usable() {
    const { grant } = this.#state;
    return Boolean(grant) && Date.now() < grant.expiresAt - this.#marginOf(grant);
  }

  #marginOf(grant) {
    return Math.min(this.#margin, grant.lifetime / 5);
  }

  /** Whether somebody has brought a newer state than `seen` that answers the question. */
  #hasMovedOn(seen) {
    return this.#state.at > seen && (this.#state.grant === null || this.#usable);
  }

  /** Who is signed in as something is called; found out first where it is not known. */
  async #known(signal) {
    this.#demandOpen();
    if (this.#state.grant === undefined) await this.restore({ signal });
    return this.session;
  }

  /**
   * What one user asked for is not done as another, who may have come during any wait.
   *
   * @param {import("./ratchet.d.ts").Session | null} was who was signed in as it was called
   */
  #demandSameUser(was) {
    if (!was || !this.session || was.claims.sub === this.session.claims.sub) return;
    const detail = "Somebody else has signed in meanwhile. This was not sent as theirs.";
    throw new RatchetError({ code: "user_changed", detail });
  }

  /** A state that this tab has brought about. */
  #settle(grant) {
    const { memo, channel } = this.#here;
    // By the clock, so that it grows even where the storage is lost; by counting, so that it
    // grows even where the clock is set back.
    const at = Math.max(Date.now(), this.#state.at + 1, (memo.marker()?.at ?? 0) + 1);
    memo.mark(at, grant?.expiresAt ?? 0);
    memo.dropKey();
    const state = { at, grant: grant && { ...grant, at } };
    channel?.postMessage(state);
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
        this.#here.channel.postMessage({ at: this.#state.at, grant: this.#state.grant });
      }
    } else if (Number.isSafeInteger(message.at) && message.at > this.#state.at) {
      this.#adopt(message);
    }
  }

  /** Ask the other tabs for a state newer than ours, and wait for it a little. */
  async #ask(ms) {
    const { channel, memo } = this.#here;
    if (!channel) return;
    const wanted = Math.max(this.#state.at + 1, memo.marker()?.at ?? 0);
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
    channel.postMessage({ ask: true });
    if (!(await came)) this.#missed = wanted;
  }

  // Restoring and refreshing

  async #restore(signal) {
    const seen = this.#state.at;
    const marker = this.#here.memo.marker();
    // Both at once: a reload with no other tab open should not wait for one.
    const asked = this.#patiently(signal, () => this.#askWho(signal));
    asked.catch(() => {});
    if (!marker || marker.until > Date.now()) await this.#ask(ASK_MS);
    if (this.#usable) return;
    if (await asked) {
      await this.#refresh(this.#state.at, signal);
    } else if (this.#state.at === seen) {
      this.#adopt({ at: seen, grant: null });
    }
  }

  /** The id of the session that this browser has a cookie of; null for none. */
  async #askWho(signal) {
    return (await this.#here.server.ask("browser/session/", { method: "GET", signal })).session;
  }

  /** A page that was kept as it was, and is shown again, has heard nothing meanwhile. */
  async #recheck(signal) {
    const { at, grant, session } = this.#state;
    if (grant === undefined) return;
    const found = await this.#patiently(signal, () => this.#askWho(signal));
    if (this.#state.at !== at || found === (session?.claims.sid ?? null)) return;
    if (found) await this.#refresh(at, signal);
    else this.#adopt({ at, grant: null });
  }

  /** The token to use for what was called while `was` was signed in; null for nobody's. */
  async #freshGrant(was, signal, isLast = false) {
    const { grant } = this.#state;
    // A page that goes away cannot wait for another token: this one may do.
    const isGood = this.#usable || (isLast && Date.now() < grant?.expiresAt);
    if (grant && !isGood) await this.#refresh(this.#state.at, signal);
    this.#demandSameUser(was);
    return this.#state.grant;
  }

  async #refresh(seen, signal) {
    do {
      // The lock is given back between two tries, so that nobody's sign-out waits for the network.
      await this.#refreshing.join(
        (stop) =>
          this.#patiently(stop, () =>
            this.#exclusively(stop, () => this.#refreshOnce(seen), { orWithout: true }),
          ),
        signal,
      );
      // What we joined may have been about an older state than the one that we have seen fail.
    } while (this.#state.at <= seen);
  }

  async #refreshOnce(seen) {
    if (!this.#hasMovedOn(seen)) await this.#catchUp();
    if (this.#hasMovedOn(seen)) return;
    const { memo } = this.#here;
    const before = memo.marker()?.at;
    let grant;
    try {
      grant = grantOf(await this.#turn("browser/refresh/", memo.key()));
    } catch (error) {
      if (!isSignedOut(error)) throw error;
      grant = null;
    }
    // This tab may have been stopped for a while, and others have gone on without it.
    if (memo.marker()?.at !== before) await this.#ask(CATCH_UP_MS);
    if (!this.#hasMovedOn(seen)) this.#settle(grant);
  }

  /** Hear what another tab has done while this one waited for the lock. */
  async #catchUp() {
    const marker = this.#here.memo.marker();
    if (!marker) {
      await this.#ask(ASK_MS);
    } else if (marker.at > Math.max(this.#state.at, this.#missed) && marker.until > Date.now()) {
      // Its word is on the way.
      await this.#ask(CATCH_UP_MS);
    }
  }

  /**
   * A request that turns the session's counter. Its retries are known by a key: of a refresh by the
   * one that the browser keeps beside the refresh token, in a cookie; of a step up by one of its
   * own, so that a copy of the cookies is not enough.
   */
  async #turn(path, key, { headers, ...options } = {}) {
    const { memo, server } = this.#here;
    try {
      return await server.ask(path, {
        ...options,
        headers: { ...headers, ...(key && { "Idempotency-Key": key }) },
      });
    } catch (error) {
      // After an answer the next turn has a key of its own. Anything else may hide one.
      if (isRefusal(error)) memo.dropKey();
      throw error;
    }
  }

  /** Where the browser did not keep the cookie of a sign-in, say so, and undo it. */
  async #demandCookie(grant, signal) {
    let session;
    try {
      session = await this.#askWho(signal);
    } catch (error) {
      if (error instanceof RatchetError) return; // not known
      throw error;
    }
    if (session !== null) return;
    const { server, base } = this.#here;
    const bearer = { Authorization: `Bearer ${grant.access}` };
    await server.ask("logout/", { headers: bearer, json: {}, signal }).catch(() => {});
    throw new RatchetError({
      code: "cookie_refused",
      detail:
        `The browser did not keep the cookie of ${base.host}, so nobody is signed in. Over ` +
        'http:// set DRF_RATCHET["COOKIE_SECURE"] to False (in development). Serve page and API ' +
        "on the same site (localhost and 127.0.0.1 are two), and not in a frame on another one.",
    });
  }

  // The network

  /** A request to the API with the token, whose refusal is an error. */
  async #api(method, path, { keepalive, signal } = {}) {
    const answer = await this.fetch(new URL(path, this.#here.base), { method, keepalive, signal });
    if (!answer.ok) throw refusal(answer, await answer.text());
    return answer;
  }

  /** Act until it succeeds, as long as there is hope. Time offline does not count. */
  async #patiently(signal, act) {
    const { network } = this.#here;
    let giveUp = performance.now() + this.#patience;
    for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)) {
      try {
        return await act();
      } catch (error) {
        throwIfAborted(signal);
        if (!(error instanceof RatchetError && error.isTransient)) throw error;
        // Only without an answer, which would prove that it is online.
        if (error.status === 0 && !network.onLine) {
          // A browser that says it is offline may be wrong, and never say otherwise.
          if (await happened(network, "online", backoff, signal)) backoff = FIRST_BACKOFF_MS / 2;
          giveUp = performance.now() + this.#patience;
          continue;
        }
        // Spread out: the tabs of all users come back at once when a server does.
        const wait = Math.max(backoff * (0.5 + Math.random() / 2), (error.retryAfter ?? 0) * 1000);
        if (performance.now() + wait > giveUp) throw error;
        await pause(wait, signal);
      }
    }
  }

  /**
   * Act while no other tab does. A tab may have stopped with the lock in its hand (in a dialog, in
   * a debugger): the wait has an end.
   *
   * @throws {RatchetError} it has come, unless the act may go on without the lock
   */
  async #exclusively(signal, act, { orWithout = false } = {}) {
    const { locks, name } = this.#here;
    const stop = new AbortController();
    const unlink = linked(stop, signal, this.#closing.signal);
    let isOurs = false;
    let isStuck = false;
    const timer = setTimeout(() => {
      isStuck = !isOurs;
      stop.abort();
    }, this.#timeout + LOCK_SLACK_MS);
    try {
      return await locks.request(name, { signal: stop.signal }, () => {
        isOurs = true;
        clearTimeout(timer);
        return act();
      });
    } catch (error) {
      if (isOurs) throw error;
      throwIfAborted(signal);
      this.#demandOpen();
      if (isStuck && !orWithout) throw locked();
    } finally {
      clearTimeout(timer);
      unlink();
    }
    // The server makes it safe: whoever asks at the same time gets the same answer.
    return act();
  }
}

function signedOut() {
  const detail = "The user was signed out meanwhile. This was not sent as nobody's.";
  return new RatchetError({ code: "signed_out", detail });
}

function locked() {
  const detail = "Another tab is in the middle of a sign-in or a refresh, and has stopped there.";
  return new RatchetError({ code: "locked", detail });
}
