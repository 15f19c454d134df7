import type { ReactElement, ReactNode } from "react";

import type { Client, RatchetError, Session } from "./ratchet.js";

/** Give a client to the components below. Make it outside of components, once: `createClient()`. */
export function SessionProvider(props: { client: Client; children?: ReactNode }): ReactElement;

/** Return the client, to sign in and out and to fetch with. */
export function useClient(): Client;

/** Return the session, and whether it is loading. The first component that asks restores it. */
export function useSession(): SessionState;

export interface SessionState {
  /** Null for nobody, and while it is loading. */
  readonly session: Session | null;
  /** Whether it is not known yet. Always true on a server. */
  readonly isLoading: boolean;
  /** Why it could not be restored, or null. */
  readonly error: RatchetError | Error | null;
  /** Present with an error: restore it again. */
  readonly retry?: () => Promise<void>;
}
