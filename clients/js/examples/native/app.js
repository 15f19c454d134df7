/**
 * An app without cookies, locks, channels and web storage, as in React Native. Each run is one start
 * of it: `node app.js sign-in`, `who`, `ask`, `refresh`, `refresh --killed`, `sign-out`.
 */

import { readFile, rename, rm, writeFile } from "node:fs/promises";

for (const name of ["navigator", "BroadcastChannel", "localStorage", "document"]) {
  delete globalThis[name];
}
const { createClient } = await import("drf-ratchet/native");

const [, , command, how] = process.argv;
const fileOf = (name) => new URL(`${name}.json`, import.meta.url);

/** A file stands in for the Keychain. */
const storage = {
  async getItem(name) {
    try {
      return await readFile(fileOf(name), "utf8");
    } catch (error) {
      if (error.code === "ENOENT") return null;
      throw error;
    }
  },
  async setItem(name, value) {
    if (how === "--killed") process.kill(process.pid, "SIGKILL");
    await writeFile(fileOf(`${name}.new`), value, { mode: 0o600 });
    await rename(fileOf(`${name}.new`), fileOf(name)); // whole, or not at all
  },
  removeItem: (name) => rm(fileOf(name), { force: true }),
};

const client = createClient({ baseUrl: process.env.API ?? "http://127.0.0.1:8000/api/", storage });
const commands = {
  "sign-in": () => client.login({ username: "alice", password: "ratchet-demo-1" }),
  who: () => client.restore(),
  ask: () => client.fetch("protected/").then((answer) => answer.json()),
  refresh: () => client.refresh(),
  "sign-out": () => client.logout(),
};
const said = await commands[command]();
console.log(said?.message ?? client.session?.claims.username ?? "nobody");
client.close();
