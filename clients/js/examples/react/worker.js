import { api, client } from "./client.js";

onmessage = async ({ data }) => {
  if (data === "sign out") await client.logout();
  else postMessage((await api.get("protected/")).data.message);
};
