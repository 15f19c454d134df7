/** The client for apps, in Node as bare as React Native: no cookies, locks, channels or storage. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ALICE, BOB, ORIGIN, lost, unreachable, until, wind } from "./browser.js";

await fetch("data:,"); // Node makes it at its first use, out of what is taken away here
for (const name of ["navigator", "BroadcastChannel", "localStorage", "crypto", "TextDecoder"]) {
  delete globalThis[name];
}
// Its AbortSignal is an older polyfill's.
delete AbortSignal.prototype.throwIfAborted;
Object.defineProperty(AbortSignal.prototype, "reason", { get: () => undefined });
const { createClient } = await import("../src/native.js");

const BASE = `${ORIGIN}/api/`;

/** A device: a storage that outlives the app, and what the app has sent. */
class Device {
  items = new Map();
  requests = [];
  #faults = [];
  /** Called before something is written; what it throws or never returns is the app's end. */
  beforeWriting = async () => {};

  constructor(t) {
    this.storage = this.newStorage();
    t.after(() => this.#clients.forEach((client) => client.close()));
  }

  #clients = [];

  newStorage() {
    return {
      getItem: async (name) => this.items.get(name) ?? null,
      setItem: async (name, value) => {
        await this.beforeWriting();
        this.items.set(name, value);
      },
      removeItem: async (name) => void this.items.delete(name),
    };
  }

  app(options = {}) {
    const client = createClient({
      baseUrl: BASE,
      storage: this.storage,
      fetch: (input, init) => this.#fetch(new Request(input, init)),
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  async signedInApp(credentials = ALICE, options = {}) {
    const app = this.app(options);
    await app.login(credentials);
    return app;
  }

  fault(path, how) {
    this.#faults.push({ path, how });
  }

  sent(path) {
    return this.requests.filter((request) => request.path === `/api/${path}`);
  }

  get kept() {
    return JSON.parse(this.items.get("drf-ratchet") ?? "null");
  }

  async #fetch(request) {
    const path = new URL(request.url).pathname;
    const record = { path, headers: request.headers, status: 0 };
    this.requests.push(record);
    const go = async ({ lose = false } = {}) => {
      const answer = await fetch(request);
      record.status = answer.status;
      if (lose) throw new TypeError("connection lost");
      return answer;
    };
    const index = this.#faults.findIndex((fault) => path === `/api/${fault.path}`);
    if (index < 0) return go();
    const [{ how }] = this.#faults.splice(index, 1);
    return how(go, request);
  }
}

const generationOf = ({ refresh }) =>
  JSON.parse(Buffer.from(refresh.split(".")[1], "base64url")).gen;

test("sign in, start anew, refresh, sign out", async (t) => {
  const device = new Device(t);
  (await device.signedInApp()).close();

  const app = device.app();
  assert.equal((await app.restore()).claims.username, "alice");
  assert.equal((await app.fetch("protected/")).status, 200);
  wind(t, 300);
  assert.equal((await app.fetch(`${BASE}protected/`)).status, 200);
  assert.equal(generationOf(device.kept), 3);
  await app.logout();

  assert.equal(app.session, null);
  assert.equal(device.kept, null);
  assert.equal((await app.fetch("protected/")).status, 401);
  assert.equal(await device.app().restore(), null);
  assert.ok(device.requests.every(({ headers }) => !headers.has("Cookie")));
  assert.equal(device.requests.filter(({ path }) => path.includes("browser")).length, 0);
});

test("the token and the key of its refresh are written together, and the key is new", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  const seen = [device.kept];
  for (let times = 0; times < 3; times += 1) {
    await app.refresh();
    seen.push(device.kept);
  }

  assert.equal(new Set(seen.map(({ key }) => key)).size, 4);
  assert.deepEqual(seen.map(generationOf), [1, 2, 3, 4]);
  const sent = device.sent("token/refresh/").map(({ headers }) => headers.get("Idempotency-Key"));
  assert.deepEqual(sent, seen.slice(0, 3).map(({ key }) => key));
});

test("an app that is killed before the token is written goes on", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  const heard = [];
  app.onChange((session) => heard.push(session));
  // Killed: what was begun is never finished.
  device.beforeWriting = () => new Promise(() => {});
  app.refresh().catch(() => {});
  await until(() => device.sent("token/refresh/")[0]?.status === 200);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(heard, [], "what is not written is not used");
  assert.equal(generationOf(device.kept), 1);

  device.beforeWriting = async () => {};
  device.storage = device.newStorage(); // the next start
  const next = device.app();
  assert.equal((await next.restore()).claims.username, "alice");
  assert.equal((await next.refresh()).claims.username, "alice");
  assert.equal(generationOf(device.kept), 3);
});

test("a lost answer is asked for again with the same key", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  device.fault("token/refresh/", lost);
  device.fault("token/refresh/", lost);

  assert.ok(await app.refresh());

  const keys = device.sent("token/refresh/").map(({ headers }) => headers.get("Idempotency-Key"));
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.equal(generationOf(device.kept), 2);
});

test("a storage that fails once is tried again, and loses nothing", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  let left = 1;
  device.beforeWriting = async () => {
    if ((left -= 1) >= 0) throw new Error("the keychain is locked");
  };

  assert.ok(await app.refresh());
  assert.equal(generationOf(device.kept), 2);
});

test("clients of one storage refresh one at a time, and tell each other", async (t) => {
  const device = new Device(t);
  const apps = [await device.signedInApp(), device.app(), device.app(), device.app()];
  await Promise.all(apps.map((app) => app.restore()));
  device.requests.length = 0;
  wind(t, 300);

  const answers = await Promise.all(apps.map((app) => app.fetch("protected/")));

  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(device.sent("token/refresh/").length, 1);
  await apps[0].logout();
  await until(() => apps.every((app) => app.session === null));
});

test("processes that share nothing but the storage keep one session", async (t) => {
  const device = new Device(t);
  (await device.signedInApp()).close();
  // As Electron's main process and a window of it, or a widget of the app.
  const processes = Array.from({ length: 4 }, () => device.app({ storage: device.newStorage() }));

  for (let times = 0; times < 5; times += 1) {
    await Promise.all(processes.map((app) => app.refresh()));
  }

  for (const app of processes) assert.equal((await app.fetch("protected/")).status, 200);
  assert.ok(await device.app({ storage: device.newStorage() }).restore());
});

test("an answer that comes late does not replace a newer token", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  const other = device.app({ storage: device.newStorage() });
  let goOn;
  device.fault("token/refresh/", async (go) => {
    const answer = await go();
    await new Promise((resolve) => (goOn = resolve));
    return answer;
  });
  const late = app.refresh();
  await until(() => goOn);
  await other.refresh();
  await other.refresh();
  const newest = device.kept;
  assert.equal(generationOf(newest), 3);

  goOn();
  await late;

  assert.deepEqual(device.kept, newest);
  assert.ok(await app.refresh());
  assert.equal(generationOf(device.kept), 4);
});

test("a new sign-in ends the device's session of before", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp(ALICE);
  const old = device.kept.refresh;

  await app.login(BOB);

  assert.equal(app.session.claims.username, "bob");
  await until(() => device.sent("logout/")[0]?.status === 200);
  const again = await fetch(`${BASE}token/refresh/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ refresh: old }),
  });
  assert.equal(again.status, 401);
});

test("a wrong password leaves everything as it is", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  const before = device.kept;

  await assert.rejects(app.login({ ...BOB, password: "wrong" }), { code: "no_active_account" });

  assert.deepEqual(device.kept, before);
  assert.equal(app.session.claims.username, "alice");
});

test("a session that the server has ended is over", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  const other = await new Device(t).signedInApp();
  await other.sessions.end(app.session.claims.sid);

  assert.equal((await app.fetch("protected/")).status, 401);
  assert.equal(app.session, null);
  await app.logout();
  assert.equal(device.kept, null);
});

test("a step up, and one whose answer was lost", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  assert.equal((await app.stepUp(ALICE)).claims.username, "alice");
  device.fault("step-up/", lost);
  await assert.rejects(app.stepUp(ALICE), { code: "no_answer" });
  app.close();

  const next = device.app();
  assert.equal((await next.restore()).claims.username, "alice");
  assert.ok(await next.refresh());
});

test("what one user meant is not sent as another", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp(ALICE);
  await device.app({ storage: device.newStorage() }).login(BOB);
  wind(t, 300);

  await assert.rejects(app.fetch("posts/create/", { method: "POST" }), { code: "user_changed" });
  assert.equal(device.sent("posts/create/").length, 0);
});

test("a sign-out needs the server", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  device.fault("logout/", unreachable);

  await assert.rejects(app.logout(), { code: "no_answer" });
  assert.ok(device.kept);
  await app.logout();
  assert.equal(device.kept, null);
});

for (const text of ["", "nonsense", "{}", "[]", "7", '{"refresh": "x", "key": "y"}']) {
  test(`what somebody else has put there is nobody's: ${text}`, async (t) => {
    const device = new Device(t);
    device.items.set("drf-ratchet", text);
    const app = device.app();

    assert.equal(await app.restore(), null);
    await app.login(ALICE);
    assert.equal(generationOf(device.kept), 1);
  });
}

test("a token that the server does not know can be signed out of", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  const { refresh, key } = device.kept;
  const [head, claims] = refresh.split(".");
  device.items.set("drf-ratchet", JSON.stringify({ refresh: `${head}.${claims}.AAAA`, key }));

  await app.logout();

  assert.equal(device.kept, null);
});

test("offline it waits, and a signal ends the wait", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  for (let times = 0; times < 9; times += 1) device.fault("token/refresh/", unreachable);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);

  await assert.rejects(app.refresh({ signal: stop.signal }), { name: "AbortError" });
  assert.ok(app.session);
});

test("an API that redirects is told at once, and where to", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp();
  const headers = { Location: "https://elsewhere.example/api/" };
  device.fault("token/refresh/", async () => new Response(null, { status: 307, headers }));

  await assert.rejects(app.refresh(), {
    code: "redirected",
    message: /redirected to https:\/\/elsewhere\.example\/api\/: is baseUrl right\?/,
  });
  assert.equal(device.sent("token/refresh/").length, 1);
});

for (const [way, days] of [["ahead", 400], ["behind", -400]]) {
  test(`a clock that is 400 days ${way} changes nothing`, async (t) => {
    wind(t, days * 24 * 3600);
    const device = new Device(t);
    const app = await device.signedInApp();

    for (let times = 0; times < 3; times += 1) {
      assert.equal((await app.fetch("protected/")).status, 200);
    }

    assert.equal(device.sent("token/refresh/").length, 0);
    wind(t, 300);
    assert.equal((await app.fetch("protected/")).status, 200);
    assert.equal(device.sent("token/refresh/").length, 1);
  });
}

test("an instance that stops in the middle of a refresh stops no other", async (t) => {
  const device = new Device(t);
  const [stopped, app] = [await device.signedInApp(), device.app({ timeout: 0.2 })];
  await app.restore();
  // An app's fetch that never ends, whatever its signal says.
  device.fault("token/refresh/", () => new Promise(() => {}));
  stopped.refresh().catch(() => {});
  await until(() => device.sent("token/refresh/").length === 1);
  wind(t, 300);

  assert.equal((await app.fetch("protected/")).status, 200);
  assert.equal(generationOf(device.kept), 2);
});

test("a storage that fails for good is told as that", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp(ALICE, { patience: 0 });
  const why = new Error("the keychain is locked");
  device.beforeWriting = async () => {
    throw why;
  };

  const failed = (error) => {
    assert.deepEqual([error.name, error.code, error.cause], ["RatchetError", "storage_failed", why]);
    assert.ok(error.isTransient);
    return true;
  };
  await assert.rejects(app.refresh(), failed);
  await assert.rejects(app.login(BOB), failed);
  assert.equal(app.session.claims.username, "alice");

  const broken = { ...device.storage, getItem: () => Promise.reject(why) };
  await assert.rejects(device.app({ storage: broken, patience: 0 }).restore(), failed);
});

test("a storage that never answers is an error, and no wait without an end", async (t) => {
  const device = new Device(t);
  const app = await device.signedInApp(ALICE, { timeout: 0.2, patience: 0.1 });
  device.beforeWriting = () => new Promise(() => {});

  await assert.rejects(app.refresh(), { code: "no_answer" });

  device.beforeWriting = async () => {};
  assert.ok(await app.refresh());
  assert.equal(generationOf(device.kept), 2);
});

test("what one process does for two people's storages stays apart", async (t) => {
  const [alice, visitor] = [new Device(t), new Device(t)];
  const app = await alice.signedInApp(ALICE);
  const other = visitor.app();

  assert.equal(await other.restore(), null);
  assert.equal(await other.accessToken(), null);
  assert.equal((await other.fetch("protected/")).status, 401);
  await other.login(BOB);
  assert.equal((await app.refresh()).claims.username, "alice");
  await other.logout();
  assert.equal((await app.fetch("protected/")).status, 200);
});

test("without a storage that is what is said", () => {
  for (const options of [undefined, {}, { baseUrl: BASE }, { storage: {} }, { storage: null }]) {
    assert.throws(() => createClient(options), { code: "setup", message: /storage/ });
  }
});

test("two names are two sessions", async (t) => {
  const device = new Device(t);
  const [one, other] = [device.app({ name: "one" }), device.app({ name: "other" })];
  await one.login(ALICE);
  await other.login(BOB);

  assert.equal((await one.refresh()).claims.username, "alice");
  assert.deepEqual([...device.items.keys()], ["one", "other"]);
});

test("a client that was closed says so, without a DOMException", async (t) => {
  const app = await new Device(t).signedInApp();
  const { DOMException } = globalThis;
  t.after(() => (globalThis.DOMException = DOMException));
  delete globalThis.DOMException;

  app.close();

  await assert.rejects(app.refresh(), { name: "AbortError" });
  await assert.rejects(app.fetch("protected/"), { name: "AbortError" });
});
