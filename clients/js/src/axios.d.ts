import type { AxiosInstance } from "axios";

import type { Client } from "./ratchet.js";

/**
 * Send what an instance of axios sends to the API with the client's token. Returns what detaches
 * it. Rejects as axios does, and with a `RatchetError` where nothing was sent.
 */
export function attach(instance: AxiosInstance, client: Client): () => void;
