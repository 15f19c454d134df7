import type { Client, ClientOptions } from "./ratchet.js";

export { RatchetError } from "./ratchet.js";
export type { Claims, Client, Credentials, Device, Session } from "./ratchet.js";

/** Where the refresh token is: SecureStore, the Keychain. AsyncStorage would fit, and is not safe. */
export interface TokenStorage {
  getItem(name: string): Promise<string | null> | string | null;
  setItem(name: string, value: string): Promise<unknown> | unknown;
  removeItem(name: string): Promise<unknown> | unknown;
}

export interface NativeOptions extends Omit<ClientOptions, "storage"> {
  /** In full: there is no page that an address could lead from. */
  baseUrl: string;
  /** One object for all clients of one storage: they then refresh one at a time. */
  storage: TokenStorage;
  /** What it is kept under; letters, digits, `.`, `-` and `_`. `"drf-ratchet"` */
  name?: string;
}

/** Make a client for one API, whose tokens are in `storage`. */
export function createClient(options: NativeOptions): Client;
