import type { ReactElement, ReactNode } from "react";

import type { Client, RatchetError, Session } from "./ratchet.js";

/** Give a client to the components below. Make it outside, once: `createClient()`. */
export function SessionProvider(props: { client: Client; children?: ReactNode }): ReactElement;

/** The client, to sign in and out and to fetch with. */
export function useClient(): Client;

/** Who is signed in. The first component that asks has it found out. */
export function useSession(): SessionState;

export interface SessionState {
  /** Null for nobody, and while it is not known yet. */
  readonly session: Session | null;
  /** Whether it is not known yet; also on a server. */
  readonly isLoading: boolean;
  /** Why it could not be found out, or null. */
  readonly error: RatchetError | Error | null;
  /** Where there is an error: find it out again. */
  readonly retry?: () => Promise<void>;
}
