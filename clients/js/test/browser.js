/**
 * A browser as far as the client can tell: a cookie jar, a storage, locks and channels that its
 * tabs share. What it fetches, it fetches from the real server at BASE_URL.
 */

import { createClient } from "../src/ratchet.js";

export const ORIGIN = process.env.BASE_URL?.replace(/\/$/, "");
export const ALICE = Object.freeze({ username: "alice", password: "ratchet-demo-1" });
export const BOB = Object.freeze({ username: "bob", password: "ratchet-demo-1" });

let browsers = 0;
let origins = 0;

export class Browser {
  cookies = new Map();
  /** Everything that was sent to the server: `{ method, path, headers, status }`. */
  requests = [];
  network = Object.assign(new EventTarget(), { onLine: true });
  /** Whether it refuses to keep cookies, as for a Secure one over HTTP. */
  refusesCookies = false;
  storage = storage();
  /** Where a proxy listens that its requests go through. */
  through = ORIGIN;
  #clients = [];
  #faults = [];
  locks = locks();
  #name = `browser ${(browsers += 1)}`;

  constructor(test) {
    if (!ORIGIN) throw new Error("BASE_URL must say where the demo is served, with THROTTLES=off.");
    test.after(() => this.close());
  }

  tab(options = {}) {
    const client = createClient({
      baseUrl: `${ORIGIN}/api/`,
      fetch: (input, init) => this.#fetch(new Request(input, init)),
      locks: this.locks,
      storage: this.storage,
      network: this.network,
      openChannel: (name) => {
        const channel = new BroadcastChannel(`${this.#name} ${name}`);
        channel.unref();
        return channel;
      },
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /**
   * A page of another origin that uses the same API: the cookies are the same, and nothing else.
   */
  elsewhere(options = {}) {
    const name = `elsewhere ${(origins += 1)}`;
    return this.tab({
      locks: locks(),
      storage: storage(),
      openChannel: (api) => {
        const channel = new BroadcastChannel(`${this.#name} ${name} ${api}`);
        channel.unref();
        return channel;
      },
      ...options,
    });
  }

  async signedInTab(credentials = ALICE, options = {}) {
    const tab = this.tab(options);
    await tab.login(credentials);
    return tab;
  }

  /**
   * Load a page that a server renders: `render(request)` returns what its response sets, an array.
   * With `lose` it never arrives.
   */
  async load(render, { lose = false, headers, ...init } = {}) {
    const request = this.#withCookies(new Request(`${ORIGIN}/page`, { headers, ...init }));
    request.headers.delete("Origin");
    for (const cookie of lose ? (await render(request), []) : await render(request)) {
      this.#take(cookie);
    }
  }

  close() {
    for (const client of this.#clients) client.close();
  }

  /** Let the next request to that path go wrong. `how(go, request)` is what happens instead. */
  fault(path, how) {
    this.#faults.push({ path, how });
  }

  goOffline() {
    this.network.onLine = false;
  }

  goOnline() {
    this.network.onLine = true;
    this.network.dispatchEvent(new Event("online"));
  }

  sent(path) {
    return this.requests.filter((request) => request.path === `/api/${path}`);
  }

  get refreshes() {
    return this.sent("browser/refresh/");
  }

  async #fetch(asked) {
    const path = new URL(asked.url).pathname;
    if (!this.network.onLine) throw new TypeError("offline");
    const request = this.#withCookies(asked);
    const { method, headers, keepalive } = request;
    const record = { method, path, headers, keepalive, status: 0 };
    this.requests.push(record);
    const go = async ({ lose = false } = {}) => {
      // Sent whole whatever becomes of the tab: the server gets requests that nobody waits for.
      const answer = await fetch(request);
      record.status = answer.status;
      if (lose) throw new TypeError("connection lost");
      const cookies = this.refusesCookies ? [] : answer.headers.getSetCookie();
      for (const cookie of cookies) this.#take(cookie);
      asked.signal.throwIfAborted();
      return answer;
    };
    const index = this.#faults.findIndex((fault) => path === `/api/${fault.path}`);
    if (index < 0) return go();
    const [{ how }] = this.#faults.splice(index, 1);
    return how(go, request);
  }

  #withCookies(request) {
    if (new URL(request.url).origin !== ORIGIN) return request;
    const cookies = [...this.cookies].map((pair) => pair.join("=")).join("; ");
    if (cookies) request.headers.set("Cookie", cookies);
    request.headers.set("Origin", ORIGIN);
    if (this.through === ORIGIN) return request;
    return new Request(request.url.replace(ORIGIN, this.through), request);
  }

  #take(cookie) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    if (/max-age=0\b/i.test(cookie)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** The key that the browser sent along with a request, in its cookie. */
export const keyOf = ({ headers }) =>
  /ratchet-refresh-key=([^;]+)/.exec(headers.get("Cookie") ?? "")?.[1] ?? null;
/** The request arrives and is answered, and the answer is lost with its cookie. */
export const lost = (go) => go({ lose: true });
/** The server cannot be reached. */
export const unreachable = async () => {
  throw new TypeError("connection refused");
};
/** Something in front of the server answers for it. */
export const answered = (status, headers = {}) => async () =>
  new Response("<h1>Sorry</h1>", { status, headers: { "Content-Type": "text/html", ...headers } });
/** A token that the server refuses: the real one, damaged. */
export const damaged = (go, request) => {
  request.headers.set("Authorization", `${request.headers.get("Authorization")}x`);
  return go();
};

export function storage(items = new Map()) {
  return {
    items,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => items.set(name, String(value)),
    removeItem: (name) => items.delete(name),
  };
}

/** navigator.locks, which Node has not. */
function locks() {
  const tails = new Map();
  return {
    async request(name, { signal }, act) {
      signal?.throwIfAborted();
      const before = tails.get(name);
      let release;
      const held = new Promise((resolve) => (release = resolve));
      tails.set(name, held);
      try {
        await Promise.race([before, aborted(signal)]);
        signal?.throwIfAborted();
        return await act();
      } finally {
        Promise.resolve(before).then(release);
      }
    },
  };
}

const aborted = (signal) =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

/** Set this machine's clock, which the server does not share, forward by so many seconds. */
export function wind(test, seconds) {
  const now = Date.now;
  test.mock.method(Date, "now", () => now() + seconds * 1000);
}

/** Once it is true. */
export async function until(holds) {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > 2000) throw new Error(`Waited in vain: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
