/** What a token says. The server's own claims, and the project's. Unverified. */
export interface Claims {
  readonly sub: string;
  /** The session's id, as in `sessions.list()`. */
  readonly sid: string;
  readonly iat: number;
  readonly exp: number;
  /** When the user last proved who they are. */
  readonly auth_time: number;
  /** How they did: values of RFC 8176, such as "pwd", "otp" and "hwk". */
  readonly amr?: readonly string[];
  /** The class of that, where the server's `ACR_VALUES` names one. */
  readonly acr?: string;
  readonly [claim: string]: unknown;
}

/** Who is signed in here. Frozen. */
export interface Session {
  readonly claims: Claims;
  /** By this machine's clock. The session itself lasts longer. */
  readonly accessExpiresAt: Date;
}

/** One of the user's devices. */
export interface Device {
  readonly id: string;
  /** Whether it is this one. */
  readonly current: boolean;
  readonly created_at: string;
  readonly last_used_at: string;
  readonly expires_at: string;
  readonly user_agent: string;
  readonly ip: string | null;
  /** How the user proved who they are there: values of RFC 8176. */
  readonly amr: readonly string[];
}

export interface Abortable {
  /** Ends the wait. */
  signal?: AbortSignal | null;
}

export interface SignIn extends Abortable {
  /** The endpoint that signs in, below `baseUrl`. `"browser/login/"` */
  path?: string;
  /** Headers that it needs besides. */
  headers?: Readonly<Record<string, string>>;
}

/** The fields of the sign-in form: the user model's USERNAME_FIELD, and the password. */
export type Credentials = Readonly<Record<string, unknown>>;

export interface ClientOptions {
  /** Where the API is; the endpoints are `<baseUrl>browser/login/` and so on. `"/api/"` */
  baseUrl?: string;
  /** Refresh this many seconds before the token's end, at most a fifth of its lifetime. `10` */
  margin?: number;
  /** How many seconds, online, a refresh is repeated before it is an error. `60` */
  patience?: number;
  /** How many seconds one answer of the session's endpoints may take. `10` */
  timeout?: number;

  // What stands in for the browser's own: for tests, and where there is no window. Without a window
  // nothing is shared: each client is one visitor's, with a queue, a memory and no channel.

  /** `window.fetch` */
  fetch?: Fetch;
  /** `navigator.locks`; without, a queue for the clients of this page */
  locks?: Locks;
  /** `localStorage`; null: memory */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  /** `navigator.onLine` and the window's `online` event */
  network?: Network;
  /** `new BroadcastChannel(name)`; null: the tabs learn nothing from each other */
  openChannel?: (name: string) => Channel | null;
  /** Calls the listener when the user goes back to a page that was kept: `pageshow`, persisted. */
  onReturn?: (listener: () => void, signal: AbortSignal) => void;
}

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface Locks {
  request<T>(
    name: string,
    options: { signal?: AbortSignal },
    act: () => Promise<T>,
  ): Promise<T>;
}

export interface Network {
  readonly onLine: boolean;
  addEventListener(type: "online", listener: () => void): void;
  removeEventListener(type: "online", listener: () => void): void;
}

export interface Channel {
  addEventListener(type: "message", listener: (event: { data: any }) => void): void;
  postMessage(message: unknown): void;
  close(): void;
}

/** What an answer is asked for its refusal of a token: `Response`, `AxiosResponse`. */
export interface SomeAnswer {
  readonly status: number;
  readonly headers: { get?: any };
}

/** Every method can be handed on by itself: `axios.create({ …, fetch: client.fetch })`. */
export interface Client {
  /** Who is signed in, as far as this tab knows; null before the first answer. */
  readonly session: Session | null;
  /** Find out who is signed in, after a page load. The first `fetch` does it by itself. */
  readonly restore: (options?: Abortable) => Promise<Session | null>;
  /** Sign in. Ends the session that this browser had. */
  readonly login: (credentials: Credentials, options?: SignIn) => Promise<Session>;
  /** Prove again who you are, for what wants a recent `auth_time`. */
  readonly stepUp: (credentials: Credentials, options?: Abortable) => Promise<Session>;
  /**
   * Sign out, in all tabs; with `everywhere` on all devices. With `keepalive` it waits for no other
   * tab, so that it can be called as the page goes away.
   */
  readonly logout: (
    options?: Abortable & { everywhere?: boolean; keepalive?: boolean },
  ) => Promise<void>;
  /**
   * As `window.fetch`, signed in for URLs of the API's origin. Rejects with `user_changed` or
   * `signed_out` rather than send what one user meant as another's, or as nobody's.
   */
  readonly fetch: Fetch;
  /**
   * Send a request of another library with the token, as `fetch` does: `send` is given the token,
   * or null for another origin and for nobody, and is called once more with a new one if its answer
   * says that the token was refused.
   */
  readonly authorize: <Answer extends SomeAnswer>(
    url: string | URL,
    send: (token: string | null) => Answer | Promise<Answer>,
    options?: Abortable & { keepalive?: boolean },
  ) => Promise<Answer>;
  /** Refresh now. `fetch` does it when it is time. */
  readonly refresh: (options?: Abortable) => Promise<Session | null>;
  /** A token that is good now, for what `fetch` cannot do; null where nobody is signed in. */
  readonly accessToken: (options?: Abortable) => Promise<string | null>;
  readonly sessions: {
    /** The user's devices, newest first. */
    readonly list: (options?: Abortable) => Promise<Device[]>;
    /** Sign one of them out. */
    readonly end: (id: string, options?: Abortable) => Promise<void>;
    /** Sign all of them out, this one too. */
    readonly endAll: (options?: Abortable) => Promise<void>;
  };
  /** Be told the new session, or null, whenever it changes in any tab. Returns what stops it. */
  readonly onChange: (listener: (session: Session | null) => void) => () => void;
  /** Stop listening to the other tabs, and answer no more calls. The session goes on. */
  readonly close: () => void;
}

export function createClient(options?: ClientOptions): Client;

/** What the server refused, or why there was no answer. */
export class RatchetError extends Error {
  readonly name: "RatchetError";
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  /**
   * A stable word: the server's, or one of the client's own.
   *
   * - `no_answer`, `bad_answer`, `redirected`: the server was not reached, or another one was
   * - `invalid`, `error`: a refusal without a code, with `fields` or without
   * - `user_changed`, `signed_out`: not sent, since whoever asked is not signed in any more
   * - `locked`: another tab holds up sign-ins and sign-outs (in a dialog, say)
   * - `cookie_refused`: the browser did not keep the cookie of the sign-in
   * - `storage_failed`: the storage of an app (`drf-ratchet/native`) threw; see `cause`
   * - `setup`: this page, or the server's settings, cannot work; the sentence says why
   */
  readonly code: string;
  /** Why a token was refused. */
  readonly reason: string | null;
  /** A sentence for people. */
  readonly detail: string;
  /** What is wrong with each field of the form. */
  readonly fields: Readonly<Record<string, string[]>>;
  /** In how many seconds another try makes sense. */
  readonly retryAfter: number | null;
  /** Whether the same request may well succeed later. */
  readonly isTransient: boolean;
}
