/** Where there is no window: a server that renders pages for many people in one process. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { createClient } from "../src/ratchet.js";
import { ALICE, BOB, Browser, ORIGIN, until, wind } from "./browser.js";

/** The client as it is without a page: nothing but the requests of one visitor is given to it. */
const ON_A_SERVER = {
  locks: undefined,
  storage: undefined,
  network: undefined,
  openChannel: undefined,
};

/** Let everything happen that two clients could tell each other. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 150));

test("two visitors that one process renders for share nothing", async (t) => {
  const alice = new Browser(t).tab(ON_A_SERVER);
  const visitor = new Browser(t).tab(ON_A_SERVER);
  const heard = [];
  visitor.onChange((session) => heard.push(session));
  assert.equal(await visitor.restore(), null);

  await alice.login(ALICE);
  await aWhile();

  assert.equal(await visitor.restore(), null);
  assert.equal(await visitor.accessToken(), null);
  assert.equal((await visitor.fetch(`${ORIGIN}/api/protected/`)).status, 401);
  const late = new Browser(t).tab(ON_A_SERVER);
  assert.equal(await late.restore(), null);
  assert.deepEqual(heard, []);
});

test("a visitor's sign-out and another's sign-in leave the others alone", async (t) => {
  const alice = await new Browser(t).signedInTab(ALICE, ON_A_SERVER);
  const bob = await new Browser(t).signedInTab(BOB, ON_A_SERVER);
  await aWhile();
  assert.equal(alice.session.claims.username, "alice");

  await bob.logout();
  await aWhile();

  assert.equal((await alice.refresh()).claims.username, "alice");
});

test("a visitor waits for no other visitor's request", async (t) => {
  const slow = new Browser(t);
  const alice = await slow.signedInTab(ALICE, ON_A_SERVER);
  const bob = await new Browser(t).signedInTab(BOB, ON_A_SERVER);
  let answer;
  slow.fault("browser/refresh/", (go) => new Promise((resolve) => (answer = resolve)).then(go));
  const refreshing = alice.refresh();
  await until(() => answer);

  assert.equal((await bob.refresh()).claims.username, "bob");

  answer();
  await refreshing;
});

test("the requests of one visitor still take turns", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE, ON_A_SERVER);
  wind(t, 300);

  await Promise.all([tab.fetch("/api/protected/"), tab.fetch("/api/protected/"), tab.refresh()]);

  assert.equal(browser.refreshes.length, 1);
});

test("2,000 clients that were used and dropped are collected", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const nobody = async () =>
    new Response('{"user": null, "session": null, "expires_at": null}', { status: 200 });
  const clients = [];
  for (let count = 0; count < 2000; count += 1) {
    const client = createClient({ baseUrl: "https://api.example.com/api/", fetch: nobody });
    client.onChange(() => {});
    assert.equal(await client.restore(), null);
    clients.push(new WeakRef(client));
  }

  for (let times = 0; times < 10; times += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }

  const alive = clients.filter((client) => client.deref());
  // The last ones may still be on the stack.
  assert.ok(alive.length < 5, `${alive.length} of 2000 are still there`);
});

test("nothing is looked for before it is used", async () => {
  const client = createClient();

  assert.equal(client.session, null);
  const stop = client.onChange(() => {});
  stop();
  const wanted = { name: "RatchetError", code: "setup", message: /baseUrl "\/api\/".*https:/ };
  await assert.rejects(client.restore(), wanted);
  await assert.rejects(client.fetch("/api/posts/"), wanted);
  await assert.rejects(client.login(ALICE), wanted);
  await assert.rejects(client.logout(), wanted);
  await assert.rejects(client.accessToken(), wanted);
  await assert.rejects(client.sessions.list(), wanted);
  client.close();
});

test("without an environment there is a client all the same", async () => {
  const client = createClient({ baseUrl: `${ORIGIN}/api` });
  assert.equal(client.session, null);
  assert.equal(await client.restore(), null);
  assert.equal((await client.fetch("/api/posts/")).status, 200);
  client.close();
});

test("jsdom's window is a server's all the same", async (t) => {
  // As jsdom and domino put it there, for a library that asks for a document.
  globalThis.document = { baseURI: `${ORIGIN}/` };
  globalThis.window = globalThis;
  t.after(() => {
    delete globalThis.document;
    delete globalThis.window;
  });
  const alice = await new Browser(t).signedInTab(ALICE, ON_A_SERVER);
  const visitor = new Browser(t).tab(ON_A_SERVER);

  assert.equal(await visitor.restore(), null);
  assert.ok(alice.session);
});

test("a method needs no client in front of it", async (t) => {
  const browser = new Browser(t);
  const { login, restore, fetch, refresh, accessToken, stepUp, logout, onChange, close, sessions } =
    browser.tab();
  const { list, end, endAll } = sessions;
  const heard = [];
  const stop = onChange((session) => heard.push(session?.claims.username ?? null));

  await login(ALICE);
  await restore();
  assert.equal((await fetch("/api/protected/")).status, 200);
  // As libraries call it that were given it as an option.
  assert.equal((await { fetch }.fetch("/api/protected/")).status, 200);
  assert.equal((await fetch.call(undefined, "/api/protected/")).status, 200);
  await refresh();
  assert.equal(typeof (await accessToken()), "string");
  await stepUp({ password: ALICE.password });
  await end((await list()).find((device) => device.current).id);
  await login(BOB);
  await endAll();
  await logout();
  stop();
  close();

  assert.deepEqual(new Set(heard), new Set(["alice", "bob", null]));
});
