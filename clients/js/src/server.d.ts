import type { Claims, Fetch } from "./ratchet.js";

export { RatchetError } from "./ratchet.js";
export type { Claims } from "./ratchet.js";

/** A `Request`; `{ headers: await headers() }` in Next; Node's `IncomingMessage`. */
export interface IncomingRequest {
  readonly headers:
    | { get(name: string): string | null }
    | { readonly [name: string]: string | readonly string[] | undefined };
  readonly method?: string;
}

export interface ServerSessionOptions {
  /** The visitor's. Without a method it counts as GET. */
  request: IncomingRequest;
  /** Where this server reaches the API, in full: `"http://127.0.0.1:8000/api/"`. */
  baseUrl: string;
  /**
   * What the names of the cookies begin with: `__Host-` and `COOKIE_NAME`; with `COOKIE_SECURE` off
   * `COOKIE_NAME` alone. `"__Host-ratchet"`
   */
  cookieName?: string;
  /** For the API, beside its own: `{ "X-Forwarded-For": "192.0.2.1" }`, the visitor's address. */
  headers?: HeadersInit;
  /**
   * Whether the response cannot set cookies, as in Next's components: it is then not refreshed
   * here, but in what comes before and calls `forwardTo`. `false`
   */
  readOnly?: boolean;
  /** How many seconds one answer of the session's endpoints may take. `5` */
  timeout?: number;
  /** `globalThis.fetch` */
  fetch?: Fetch;
}

/** The session of one incoming request. Refreshes once at most, whoever asks. */
export interface ServerSession {
  /** Who is signed in, as the API says: the access token's claims, frozen. Null for nobody. */
  readonly user: () => Promise<Claims | null>;
  /** As `fetch`, signed in for URLs of the API. Addresses without a host lead from `baseUrl`. */
  readonly fetch: Fetch;
  /** For what `fetch` cannot do. Null for nobody; one that is not new is for the API to judge. */
  readonly accessToken: () => Promise<string | null>;
  /** What the response has to set so far, each a `Set-Cookie`. */
  readonly setCookies: string[];
  /** Set the cookies in the headers of the response, and keep caches from mixing visitors up. */
  readonly applyTo: (headers: Headers) => void;
  /** Put the cookies as they are now into the headers of the request, for what handles it next. */
  readonly forwardTo: (headers: Headers) => void;
}

/**
 * Make the session of one incoming request. Do not keep it for another one.
 *
 * Everything rejects with a `RatchetError` where the API does not say who is signed in.
 *
 * @throws {RatchetError} `setup`: `baseUrl` is not complete
 */
export function createServerSession(options: ServerSessionOptions): ServerSession;
