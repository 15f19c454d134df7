import axios from "axios";
import { createClient } from "drf-ratchet";
import { attach } from "drf-ratchet/axios";

export const client = createClient({ baseUrl: "/api/" });
export const api = axios.create({ baseURL: "/api/" });
attach(api, client);
