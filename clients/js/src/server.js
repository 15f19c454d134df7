/**
 * For servers that render pages: the session of the visitor who asks for one, for as long as that
 * request lasts. The tokens are in the visitor's cookies and nowhere else, so that no other request
 * can meet them. Two are the API's: the refresh token, and the key by which a refresh is retried.
 * The third is set here, the page token: an access token, for the next pages until it expires.
 */

import {
  RatchetError,
  claimsOf,
  grantOf,
  isSignedOut,
  isTokenRefused,
  setupError,
} from "./answers.js";
import { Endpoints } from "./endpoints.js";
import { apiUrl } from "./environment.js";

const REFRESH = "refresh-token";
const PAGE = "page-token";
const WORDS = [REFRESH, "refresh-key", PAGE];
/** What the API is told of the visitor: for the list of devices, and for its language. */
const PASSED_ON = ["User-Agent", "Accept-Language"];

export { RatchetError };

/**
 * Make the session of one incoming request. Do not keep it for another one.
 *
 * @param {import("./server.d.ts").ServerSessionOptions} options
 * @returns {import("./server.d.ts").ServerSession}
 */
export function createServerSession(options) {
  return new ServerSession(options);
}

class ServerSession {
  #base;
  #given;
  #headers;
  #endpoints;
  #readOnly;
  /** The names of our cookies. */
  #names;
  /** The visitor's cookies: what is ours by its name, and the rest as it came. */
  #ours = new Map();
  #others = [];
  /** What the response sets, by name. */
  #set = new Map();
  #wasAsked = false;
  #finding = null;
  #refreshing = null;
  /** What this request's own refresh has brought. */
  #fresh = null;

  constructor({
    request,
    baseUrl,
    cookieName = "__Host-ratchet",
    headers,
    readOnly = false,
    timeout = 5,
    fetch,
  }) {
    // Not from the request's own address: its Host is whatever the visitor says.
    this.#base = apiUrl(baseUrl ?? "");
    this.#given = fetch;
    this.#readOnly = readOnly;
    this.#names = Object.fromEntries(WORDS.map((word) => [word, `${cookieName}-${word}`]));
    this.#headers = new Headers(headers);
    for (const name of PASSED_ON) {
      const value = headerOf(request, name);
      if (value) this.#headers.set(name, value);
    }
    this.#readCookies(headerOf(request, "Cookie") ?? "");
    if (!isFromOwnPage(request)) this.#ours.clear();
    this.#endpoints = new Endpoints(this.#base, this.#send, timeout * 1000);
  }

  user = () => (this.#finding ??= this.#find());

  accessToken = async () => {
    this.#wasAsked = true;
    return this.#refreshing ?? this.#pageToken() ?? this.#refresh();
  };

  fetch = async (input, init) => {
    const asked = input instanceof Request ? input : new URL(input, this.#base);
    const { cache = "default" } = { cache: asked.cache, ...init };
    // What is one visitor's is not kept for another, as some frameworks' fetch would.
    const request = new Request(asked, { ...init, cache: cache === "default" ? "no-store" : cache });
    if (new URL(request.url).origin !== this.#base.origin) return this.#fetch(request);
    for (const [name, value] of this.#headers) {
      if (!request.headers.has(name)) request.headers.set(name, value);
    }
    if (request.headers.has("Authorization")) return this.#fetch(request);
    const token = await this.accessToken();
    if (!token) return this.#fetch(request);
    const again = token === this.#fresh ? null : request.clone();
    request.headers.set("Authorization", `Bearer ${token}`);
    const answer = await this.#fetch(request);
    if (!again || !isTokenRefused(answer)) return answer;
    const next = await this.#refresh();
    if (!next) return answer; // which says so
    await answer.body?.cancel();
    again.headers.set("Authorization", `Bearer ${next}`);
    return this.#fetch(again);
  };

  get setCookies() {
    return [...this.#set.values()];
  }

  applyTo = (headers) => {
    for (const cookie of this.#set.values()) headers.append("Set-Cookie", cookie);
    if (!this.#wasAsked) return;
    headers.append("Vary", "Cookie");
    if (this.#ours.size) headers.set("Cache-Control", "private, no-store");
  };

  forwardTo = (headers) => {
    const cookies = [...this.#others, ...this.#pairs()].join("; ");
    if (cookies) headers.set("Cookie", cookies);
    else headers.delete("Cookie");
  };

  #fetch(...asked) {
    return (this.#given ?? globalThis.fetch)(...asked);
  }

  async #find() {
    const token = await this.accessToken();
    if (!token || token === this.#fresh) return token && claimsOf(token);
    try {
      // It came in a cookie, into which its owner may have written what he likes.
      await this.#ask("token/verify/", { json: { token } });
      return claimsOf(token);
    } catch (error) {
      if (!isSignedOut(error)) throw error;
      const next = await this.#refresh();
      return next && claimsOf(next);
    }
  }

  /** Once, for all who wait for it. */
  #refresh() {
    return (this.#refreshing ??= this.#turn());
  }

  async #turn() {
    if (!this.#ours.has(this.#names[REFRESH])) return null;
    if (this.#readOnly) {
      if (this.#pageToken()) return null; // the API has refused it
      throw setupError(
        "This session is readOnly, and what comes before it has not refreshed it for this page. " +
          "In Next, let the matcher of proxy.ts cover the page; or the API did not answer there.",
      );
    }
    try {
      // Whether the request is one of this host's own pages was looked at before.
      const headers = { Cookie: this.#pairs().join("; "), "Sec-Fetch-Site": "same-origin" };
      const { access, lifetime } = grantOf(await this.#ask("browser/refresh/", { headers }));
      this.#fresh = access;
      const seconds = Math.floor((lifetime - Math.min(10_000, lifetime / 5)) / 1000);
      const name = this.#names[PAGE];
      this.#keep(
        `${name}=${access}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Strict` +
          (name.startsWith("__Host-") ? "; Secure" : ""),
      );
      return access;
    } catch (error) {
      if (!isSignedOut(error)) throw error;
      // The browser keeps its cookies: a sign-in may have brought it others meanwhile.
      this.#ours.clear();
      return null;
    }
  }

  /** The access token of an earlier page, if it is of the same session and not older. */
  #pageToken() {
    const token = this.#ours.get(this.#names[PAGE]);
    try {
      const page = claimsOf(token);
      const refresh = claimsOf(this.#ours.get(this.#names[REFRESH]));
      // A sign-in or a step up in the page itself is newer. One clock has stamped both.
      return page.sid === refresh.sid && page.iat >= refresh.iat ? token : null;
    } catch {
      return null;
    }
  }

  async #ask(path, options) {
    try {
      return await this.#endpoints.ask(path, options);
    } catch (error) {
      if (error.code !== "no_answer") throw error;
      // A connection that was kept open and is gone, most likely. A refresh is the same by its key.
      return this.#endpoints.ask(path, options);
    }
  }

  /** How the endpoints are asked; some servers' fetch throws for what is a browser's. */
  #send = async (url, { credentials, keepalive, headers, ...init }) => {
    const all = new Headers(this.#headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const answer = await this.#fetch(url, { ...init, headers: all });
    if (answer.ok) for (const cookie of answer.headers.getSetCookie()) this.#keep(cookie);
    return answer;
  };

  #readCookies(header) {
    for (const pair of header.split(/; */).filter(Boolean)) {
      if (!this.#remember(pair)) this.#others.push(pair);
    }
  }

  /** What the browser is told to keep, and then has. */
  #keep(cookie) {
    const [pair] = cookie.split(";", 1);
    if (this.#remember(pair)) this.#set.set(nameOf(pair), cookie);
  }

  #remember(pair) {
    const name = nameOf(pair);
    const isOurs = Object.values(this.#names).includes(name);
    if (isOurs) this.#ours.set(name, pair.slice(name.length + 1));
    return isOurs;
  }

  #pairs() {
    return [...this.#ours].map((pair) => pair.join("="));
  }
}

const nameOf = (pair) => pair.split("=", 1)[0];

/** Of a Request, of what Next's headers() gives, or of Node's own. */
function headerOf({ headers }, name) {
  return headers.get ? headers.get(name) : headers[name.toLowerCase()];
}

/**
 * Whether a page of this host has sent what may change something. Of another site's request the
 * browser leaves SameSite=Strict cookies out; of a sibling subdomain's it does not.
 */
function isFromOwnPage(request) {
  if (/^(GET|HEAD|OPTIONS)$/.test(request.method ?? "GET")) return true;
  const site = headerOf(request, "Sec-Fetch-Site");
  // Over TLS and to localhost every browser says it.
  if (site) return site === "same-origin";
  const origin = headerOf(request, "Origin");
  return Boolean(origin) && origin.replace(/^\w+:\/\//, "") === headerOf(request, "Host");
}
