/** Two people who use one browser: what one of them asked for is never done as the other. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ALICE, BOB, Browser, damaged, until, wind } from "./browser.js";

const CHANGED = { name: "RatchetError", code: "user_changed", status: 0, isTransient: false };
const POST = { method: "POST", body: '{"title": "Mine", "body": "…"}' };

/** Alice's tab, whose token has run out, and one more tab of the same browser. */
async function alicesOldTab(t) {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE);
  const other = browser.tab();
  await other.restore();
  wind(t, 300);
  return { browser, tab, other };
}

/** Hold the sign-in of a tab in the middle, with the lock in its hand. */
async function signingIn(browser, tab, credentials) {
  let go;
  browser.fault("browser/login/", (on) => new Promise((resolve) => (go = resolve)).then(on));
  const done = tab.login(credentials);
  await until(() => go);
  return { done, go };
}

for (let times = 1; times <= 5; times += 1) {
  test(`what waited for another's sign-in is not sent as theirs (${times})`, async (t) => {
    const { browser, tab, other } = await alicesOldTab(t);
    const bob = await signingIn(browser, other, BOB);

    const posting = tab.fetch("/api/posts/create/", POST);
    posting.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 10 * times));
    bob.go();

    await assert.rejects(posting, CHANGED);
    await bob.done;
    assert.equal(browser.sent("posts/create/").length, 0);
    await until(() => tab.session.claims.username === "bob");
  });
}

test("nor is one whose tab was told nothing by the other", async (t) => {
  const browser = new Browser(t);
  // Two origins with one API: they share the cookie, and neither lock, nor storage, nor channel.
  const here = await browser.signedInTab(ALICE);
  const there = browser.elsewhere();
  await there.login(BOB);
  wind(t, 300);

  await assert.rejects(here.fetch("/api/posts/create/", POST), CHANGED);

  assert.equal(browser.sent("posts/create/").length, 0);
  assert.equal(here.session.claims.username, "bob");
  assert.equal((await here.fetch("/api/protected/")).status, 200, "and bob's own are sent");
});

test("a token is not handed to whom it was not asked for", async (t) => {
  const browser = new Browser(t);
  const here = await browser.signedInTab(ALICE);
  await browser.elsewhere().login(BOB);
  wind(t, 300);

  await assert.rejects(here.accessToken(), CHANGED);

  assert.equal(typeof (await here.accessToken()), "string");
});

test("a request that was refused once is not sent again as another's", async (t) => {
  const browser = new Browser(t);
  const here = await browser.signedInTab(ALICE);
  const there = browser.elsewhere();
  // While alice's request is under way: the server ends her session.
  browser.fault("posts/create/", async (go) => {
    await there.login(BOB);
    return go();
  });

  await assert.rejects(here.fetch("/api/posts/create/", POST), CHANGED);

  assert.deepEqual(browser.sent("posts/create/").map(({ status }) => status), [401]);
});

test("a list of devices, an ending and a sign-out everywhere are hers too", async (t) => {
  const browser = new Browser(t);
  const elsewhere = await new Browser(t).signedInTab(BOB);
  for (const act of [
    (tab) => tab.sessions.list(),
    (tab) => tab.sessions.end(elsewhere.session.claims.sid),
    (tab) => tab.logout({ everywhere: true }),
    (tab) => tab.sessions.endAll(),
  ]) {
    const here = await browser.signedInTab(ALICE);
    const before = Date.now;
    await browser.elsewhere().login(BOB);
    wind(t, 300);
    await assert.rejects(act(here), CHANGED);
    t.mock.restoreAll();
    assert.equal(Date.now, before);
  }
  assert.ok(await elsewhere.refresh(), "bob's other device is left alone");
});

test("a password proves nothing for somebody else", async (t) => {
  const { browser, tab, other } = await alicesOldTab(t);
  wind(t, -300); // Her token is good: it is the lock that she waits for.
  const bob = await signingIn(browser, other, BOB);

  const stepping = tab.stepUp({ password: ALICE.password });
  stepping.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  bob.go();

  await assert.rejects(stepping, CHANGED);
  assert.equal(browser.sent("browser/step-up/").length, 0);
});

test("after a sign-out nothing is sent as nobody's", async (t) => {
  const { browser, tab, other } = await alicesOldTab(t);
  let go;
  browser.fault("browser/logout/", (on) => new Promise((resolve) => (go = resolve)).then(on));
  const leaving = other.logout();
  await until(() => go);

  const posting = tab.fetch("/api/posts/create/", POST);
  posting.catch(() => {});
  const asking = tab.accessToken();
  await new Promise((resolve) => setTimeout(resolve, 20));
  go();
  await leaving;

  await assert.rejects(posting, { name: "RatchetError", code: "signed_out" });
  assert.equal(await asking, null);
  assert.equal(browser.sent("posts/create/").length, 0);
  assert.equal((await tab.fetch("/api/posts/")).status, 200, "what is nobody's from the start is");
});

test("the same user in a new session is the same user", async (t) => {
  const browser = new Browser(t);
  const here = await browser.signedInTab(ALICE);
  await browser.elsewhere().login(ALICE);
  browser.fault("protected/", damaged);

  assert.equal((await here.fetch("/api/protected/")).status, 200);
  wind(t, 300);
  assert.equal((await here.fetch("/api/protected/")).status, 200);
});

test("whoever a page finds signed in may ask, whoever that was before", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab(ALICE)).close();
  await browser.elsewhere().login(BOB);
  const tab = browser.tab();

  // Nothing is known when it is called.
  assert.equal((await tab.fetch("/api/protected/")).status, 200);
  assert.equal(tab.session.claims.username, "bob");
});
