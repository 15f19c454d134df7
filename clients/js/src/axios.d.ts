import type { AxiosInstance } from "axios";

import type { Client } from "./ratchet.js";

/**
 * Send the requests of an axios instance to the API with the client's token. Returns a function that
 * detaches it. Requests reject as axios does, and with a `RatchetError` if nothing was sent.
 */
export function attach(instance: AxiosInstance, client: Client): () => void;
