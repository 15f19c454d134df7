import { createClient } from "drf-ratchet";

export const client = createClient({ baseUrl: "/api/" });
