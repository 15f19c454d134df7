import assert from "node:assert/strict";
import { test } from "node:test";

import { queueLocks } from "../src/environment.js";
import { ALICE, BOB, Browser, ORIGIN, answered, damaged, keyOf, lost, until, wind } from "./browser.js";

/** So many tabs of one browser, all signed in. */
async function tabsOf(browser, number) {
  const tabs = [await browser.signedInTab()];
  for (let more = 1; more < number; more += 1) {
    const tab = browser.tab();
    await tab.restore();
    tabs.push(tab);
  }
  // What is counted is what comes now.
  browser.requests.length = 0;
  return tabs;
}

const everybody = (tabs) =>
  Promise.all(
    tabs.map(async (tab) => {
      const { status } = await tab.fetch("/api/protected/");
      assert.equal(status, 200);
    }),
  );

test("a new tab gets its token from the others", async (t) => {
  const browser = new Browser(t);
  const old = await browser.signedInTab();
  const young = browser.tab();

  assert.equal((await young.fetch("/api/protected/")).status, 200);

  assert.equal(browser.refreshes.length, 0);
  assert.equal(await young.accessToken(), await old.accessToken());
});

test("eight tabs need one refresh for each lifetime of a token", async (t) => {
  const browser = new Browser(t);
  const tabs = await tabsOf(browser, 8);

  for (let lifetime = 1; lifetime <= 12; lifetime += 1) {
    wind(t, 300);
    await everybody(tabs);
    assert.equal(browser.refreshes.length, lifetime);
  }
  assert.ok(browser.requests.every(({ status }) => status === 200));
});

test("eight tabs whose token was refused need one refresh", async (t) => {
  const browser = new Browser(t);
  const tabs = await tabsOf(browser, 8);
  for (const _ of tabs) browser.fault("protected/", damaged);

  await everybody(tabs);

  assert.equal(browser.refreshes.length, 1);
});

test("eight tabs that open at once need one refresh", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab()).close();
  const tabs = Array.from({ length: 8 }, () => browser.tab());

  await everybody(tabs);

  assert.equal(browser.refreshes.length, 1);
});

test("a message that is late is waited for", async (t) => {
  const browser = new Browser(t);
  const late = (name) => {
    const channel = new BroadcastChannel(`late ${name}`);
    channel.unref();
    return {
      postMessage: (message) => setTimeout(() => channel.postMessage(message), 60),
      addEventListener: (...given) => channel.addEventListener(...given),
      close: () => setTimeout(() => channel.close(), 60),
    };
  };
  const slow = { openChannel: late };
  const tabs = [await browser.signedInTab(ALICE, slow), browser.tab(slow)];
  await tabs[1].restore();
  const before = browser.refreshes.length;
  wind(t, 300);

  await everybody(tabs);

  assert.equal(browser.refreshes.length, before + 1);
});

test("a refresh that was begun for an older token does not stand for a newer one", async (t) => {
  const browser = new Browser(t);
  let open;
  let gate = null;
  const locks = {
    request: async (...given) => {
      await gate;
      return browser.locks.request(...given);
    },
  };
  const [tab, other] = [await browser.signedInTab(ALICE, { locks }), browser.tab()];
  await other.restore();
  gate = new Promise((resolve) => (open = resolve));
  const first = tab.refresh();
  await other.refresh();
  await until(() => tab.session.claims.jti === other.session.claims.jti);

  browser.fault("protected/", damaged);
  const second = tab.fetch("/api/protected/");
  await until(() => browser.sent("protected/")[0]?.status === 401);
  await new Promise((resolve) => setTimeout(resolve, 20));
  open();

  await first;
  assert.equal((await second).status, 200);
  assert.equal(browser.refreshes.length, 2);
});

test("only one of the tabs speaks to the server at a time", async (t) => {
  const browser = new Browser(t);
  const tabs = await tabsOf(browser, 4);
  let inside = 0;
  const alone = async (go) => {
    assert.equal((inside += 1), 1);
    const answer = await go();
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside -= 1;
    return answer;
  };
  for (let times = 0; times < 4; times += 1) browser.fault("browser/refresh/", alone);
  browser.fault("browser/login/", alone);
  browser.fault("browser/logout/", alone);

  await Promise.all([
    tabs[0].refresh(),
    tabs[1].refresh(),
    tabs[2].login(BOB),
    tabs[3].refresh(),
    tabs[0].logout(),
    tabs[1].login(ALICE),
  ]);

  assert.equal((await tabs[3].restore()).claims.username, "alice");
});

test("a sign-out is seen by every tab", async (t) => {
  const browser = new Browser(t);
  const tabs = await tabsOf(browser, 3);
  const heard = [];
  tabs[2].onChange((session) => heard.push(session));

  await tabs[0].logout();
  await until(() => tabs.every((tab) => tab.session === null));

  assert.deepEqual(heard, [null]);
  assert.equal((await tabs[1].fetch("/api/protected/")).status, 401);
  assert.equal(browser.refreshes.length, 0);
});

test("a session that the server has ended signs every tab out", async (t) => {
  const browser = new Browser(t);
  const tabs = await tabsOf(browser, 3);
  const elsewhere = await new Browser(t).signedInTab();
  await elsewhere.sessions.end(tabs[0].session.claims.sid);

  assert.equal((await tabs[0].fetch("/api/protected/")).status, 401);
  await until(() => tabs.every((tab) => tab.session === null));

  assert.equal(browser.refreshes.length, 1);
});

test("a sign-in as somebody else is seen by every tab", async (t) => {
  const browser = new Browser(t);
  const tabs = await tabsOf(browser, 3);
  const heard = [];
  tabs[1].onChange((session) => heard.push(session.claims.username));

  await tabs[0].login(BOB);
  await until(() => tabs.every((tab) => tab.session.claims.username === "bob"));

  assert.deepEqual(heard, ["bob"]);
  const devices = await tabs[1].sessions.list();
  assert.ok(devices.some(({ id, current }) => current && id === tabs[2].session.claims.sid));
});

test("a tab that knew of nobody sees a sign-in", async (t) => {
  const browser = new Browser(t);
  const other = browser.tab();
  await other.restore();

  await browser.signedInTab();
  await until(() => other.session !== null);

  assert.equal((await other.fetch("/api/protected/")).status, 200);
});

test("a sign-out while a refresh waits for its turn is not undone by it", async (t) => {
  const browser = new Browser(t);
  const [tab, other] = await tabsOf(browser, 2);

  const [, session] = await Promise.all([tab.logout(), other.refresh()]);

  assert.equal(session, null);
  assert.equal(tab.session, null);
  assert.ok(!browser.cookies.has("ratchet-refresh-token"));
});

test("a tab that is closed in the middle of a refresh hands its turn on", async (t) => {
  const browser = new Browser(t);
  const [tab, other] = await tabsOf(browser, 2);
  // The server has turned, and the tab goes before the answer comes.
  browser.fault("browser/refresh/", async (go, { signal }) => {
    await go({ lose: true }).catch(() => {});
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  const refreshing = tab.refresh();
  refreshing.catch(() => {});
  await until(() => browser.refreshes.length === 1 && browser.refreshes[0].status === 200);
  tab.close();
  await assert.rejects(refreshing, { name: "AbortError" });

  assert.equal((await other.refresh()).claims.username, "alice");
  assert.equal((await other.fetch("/api/protected/")).status, 200);
  const keys = browser.refreshes.map(keyOf);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

test("a tab that is closed while it waits leaves the others alone", async (t) => {
  const browser = new Browser(t);
  const [tab, other] = await tabsOf(browser, 2);
  browser.fault("browser/refresh/", answered(503));
  const waiting = tab.refresh();
  await until(() => browser.refreshes.length === 1);
  tab.close();
  await assert.rejects(waiting, { name: "AbortError" });

  assert.equal((await other.refresh()).claims.username, "alice");
});

test("without channels every tab looks after itself, one at a time", async (t) => {
  const browser = new Browser(t);
  const alone = { openChannel: () => null };
  const tabs = [await browser.signedInTab(ALICE, alone), browser.tab(alone), browser.tab(alone)];
  browser.fault("browser/refresh/", lost);

  await everybody(tabs);
  wind(t, 300);
  await everybody(tabs);

  assert.ok(tabs.every((tab) => tab.session));
});

test("without navigator.locks the clients of a page still take turns", async (t) => {
  const browser = new Browser(t);
  const page = { locks: queueLocks() };
  const tabs = [await browser.signedInTab(ALICE, page), browser.tab(page)];
  await tabs[1].restore();
  wind(t, 300);
  await everybody(tabs);
  assert.equal(browser.refreshes.length, 1);

  let release;
  browser.fault("browser/refresh/", (go) => new Promise((resolve) => (release = resolve)).then(go));
  const first = tabs[0].refresh();
  await until(() => release);
  const impatient = new AbortController();
  const second = tabs[1].logout({ signal: impatient.signal });
  impatient.abort();
  await assert.rejects(second, { name: "AbortError" });
  release();
  assert.ok(await first, "and the one before is not disturbed");
});


/** A tab that has stopped with the lock in its hand, as one does in alert(). */
function stopped(browser) {
  const name = `drf-ratchet ${ORIGIN}/api/`;
  let goOn;
  browser.locks.request(name, {}, () => new Promise((resolve) => (goOn = resolve)));
  return () => goOn();
}

test("a tab that stops in the middle stops no other tab's requests", async (t) => {
  const browser = new Browser(t);
  const quick = { timeout: 0.2 };
  const tabs = [await browser.signedInTab(ALICE, quick), browser.tab(quick)];
  await tabs[1].restore();
  stopped(browser);
  wind(t, 300);

  await everybody(tabs);
  const young = browser.tab({ ...quick, openChannel: () => null });
  assert.equal((await young.restore()).claims.username, "alice");
});

test("a sign-in and a sign-out do not go on beside a tab that has stopped", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE, { timeout: 0.2 });
  const goOn = stopped(browser);
  browser.requests.length = 0;
  const wanted = { name: "RatchetError", code: "locked", status: 0, isTransient: true };

  await Promise.all([
    assert.rejects(tab.login(BOB), wanted),
    assert.rejects(tab.logout(), wanted),
    assert.rejects(tab.stepUp(ALICE), wanted),
  ]);

  for (const path of ["login", "logout", "step-up"]) {
    assert.equal(browser.sent(`browser/${path}/`).length, 0, "nothing was sent");
  }
  assert.equal(tab.session.claims.username, "alice");
  goOn();
  await tab.logout();
  assert.equal(tab.session, null);
});

test("a tab that goes on late does not undo what the others have done", async (t) => {
  const browser = new Browser(t);
  const quick = { timeout: 0.2 };
  const [tab, other] = [await browser.signedInTab(ALICE, quick), browser.tab(quick)];
  await other.restore();
  let goOn;
  // It has the answer of its refresh, and stops before it can tell.
  browser.fault("browser/refresh/", async (go) => {
    const answer = await go();
    await new Promise((resolve) => (goOn = resolve));
    return answer;
  });
  const late = tab.refresh();
  await until(() => goOn);
  await other.refresh();
  const { jti } = other.session.claims;

  goOn();
  await late;

  assert.equal(other.session.claims.jti, jti);
  assert.equal(tab.session.claims.jti, jti);
});

test("where locks are forbidden tabs do without", async (t) => {
  const browser = new Browser(t);
  const locks = {
    request: async () => {
      throw new DOMException("Access to the Locks API is denied in this context.", "SecurityError");
    },
  };
  const tab = await browser.signedInTab(ALICE, { locks });
  assert.ok(await tab.refresh());
  await tab.logout();
  assert.equal(tab.session, null);
});
