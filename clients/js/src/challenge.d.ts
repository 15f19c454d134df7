/** What a response asks the user to prove before the same request is sent again. */
export interface Challenge {
  /** The classes of which one will do; empty for any. */
  readonly acr: readonly string[];
  /** The methods that are all needed (RFC 8176): "pwd", "otp", "hwk" …; empty for any. */
  readonly amr: readonly string[];
  /** Seconds that the proof may be old; null for any time in this session. */
  readonly maxAge: number | null;
}

/**
 * Return what a 401 `reauthentication_required` asks for (RFC 9470), or null for any other response.
 * On another origin than the API's, the server must expose `WWW-Authenticate` (CORS).
 */
export function challengeOf(response: Pick<Response, "status" | "headers">): Challenge | null;
