import assert from "node:assert/strict";
import { test } from "node:test";

import { RatchetError } from "../src/ratchet.js";
import {
  ALICE,
  BOB,
  Browser,
  ORIGIN,
  answered,
  damaged,
  keyOf,
  lost,
  storage,
  unreachable,
  until,
} from "./browser.js";

test("a sign-in tells who it is, and never the token", async (t) => {
  const tab = new Browser(t).tab();
  assert.equal(tab.session, null);

  const session = await tab.login(ALICE);

  assert.equal(session, tab.session);
  assert.equal(session.claims.username, "alice");
  const seconds = (session.accessExpiresAt - Date.now()) / 1000;
  assert.ok(seconds > 290 && seconds <= 300, `${seconds}`);
  assert.ok(Object.isFrozen(session) && Object.isFrozen(session.claims));
  assert.ok(!JSON.stringify(session).includes(await tab.accessToken()));
});

test("a wrong password is a RatchetError", async (t) => {
  const tab = new Browser(t).tab();

  await assert.rejects(tab.login({ ...ALICE, password: "wrong" }), (error) => {
    assert.ok(error instanceof RatchetError && error instanceof Error);
    assert.deepEqual(
      { status: error.status, code: error.code, fields: error.fields, wait: error.retryAfter },
      { status: 401, code: "no_active_account", fields: {}, wait: null },
    );
    assert.equal(error.message, error.detail);
    assert.equal(error.isTransient, false);
    return true;
  });
  assert.equal(tab.session, null);
});

test("what is wrong with the form is told by field", async (t) => {
  const tab = new Browser(t).tab();

  await assert.rejects(tab.login({ username: "alice" }), (error) => {
    assert.equal(error.status, 400);
    assert.equal(error.code, "invalid");
    assert.deepEqual(Object.keys(error.fields), ["password"]);
    assert.equal(typeof error.fields.password[0], "string");
    return true;
  });
});

test("a sign-in that is throttled says until when, and is not repeated", async (t) => {
  const browser = new Browser(t);
  browser.fault("browser/login/", answered(429, { "Retry-After": "30" }));

  await assert.rejects(browser.tab().login(ALICE), { status: 429, retryAfter: 30 });
  assert.equal(browser.requests.length, 1);
});

test("a page of HTML is an error that names the likely cause", async (t) => {
  const browser = new Browser(t);
  browser.fault("browser/login/", answered(200));

  await assert.rejects(browser.tab().login(ALICE), { code: "bad_answer", message: /baseUrl/ });
});

test("a sign-in without an answer may be tried again", async (t) => {
  const browser = new Browser(t);
  const tab = browser.tab();
  browser.fault("browser/login/", lost);

  await assert.rejects(tab.login(ALICE), { status: 0, code: "no_answer" });
  assert.equal((await tab.login(ALICE)).claims.username, "alice");
});

test("an answer that does not come in time is none", async (t) => {
  const browser = new Browser(t);
  const tab = browser.tab({ timeout: 0.05 });
  browser.fault(
    "browser/login/",
    (_, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  );

  await assert.rejects(tab.login(ALICE), { code: "no_answer" });
});

test("a reload restores who was signed in", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab()).close();

  browser.requests.length = 0;
  const tab = browser.tab();
  const session = await tab.restore();

  assert.equal(session.claims.username, "alice");
  assert.equal(browser.sent("browser/session/").length, 1);
  assert.equal((await tab.fetch("/api/protected/")).status, 200);
});

test("where nobody is signed in, restoring meets no 401", async (t) => {
  const browser = new Browser(t);
  const tab = browser.tab();
  const heard = [];
  tab.onChange((session) => heard.push(session));

  assert.equal(await tab.restore(), null);

  assert.equal(browser.requests.length, 1);
  assert.equal(browser.sent("browser/session/")[0].status, 200);
  assert.deepEqual(heard, []);
});

test("who is signed in already is not restored again", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.requests.length = 0;

  assert.equal(await tab.restore(), tab.session);
  assert.equal(browser.requests.length, 0);
});

test("restoring outlasts a server that is away", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab()).close();
  browser.fault("browser/session/", unreachable);
  browser.fault("browser/session/", answered(502));

  assert.equal((await browser.tab().restore()).claims.username, "alice");
});

test("signing out ends the session on the server too", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const token = await tab.accessToken();

  await tab.logout();

  assert.equal(tab.session, null);
  assert.equal(await tab.accessToken(), null);
  assert.ok(!browser.cookies.has("ratchet-refresh-token"));
  const old = await tab.fetch("/api/protected/", { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(old.status, 401);
  await tab.logout(); // nobody's, and no error
});

test("a sign-out that did not reach the server is an error, and signs nobody out", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("browser/logout/", unreachable);

  await assert.rejects(tab.logout(), { code: "no_answer" });

  assert.equal(tab.session.claims.username, "alice");
});

test("signing out everywhere ends the other devices' sessions", async (t) => {
  const phone = await new Browser(t).signedInTab(BOB);
  const desk = await new Browser(t).signedInTab(BOB);

  await desk.logout({ everywhere: true });

  assert.equal(desk.session, null);
  assert.equal((await phone.fetch("/api/protected/")).status, 401);
  assert.equal(phone.session, null);
  await desk.logout({ everywhere: true });
});

test("the devices are listed, and one can be ended", async (t) => {
  const phone = await new Browser(t).signedInTab(BOB);
  const desk = await new Browser(t).signedInTab(BOB);

  const devices = await desk.sessions.list();
  const [own] = devices.filter((device) => device.current);
  assert.equal(own.id, desk.session.claims.sid);

  await desk.sessions.end(phone.session.claims.sid);
  assert.equal(await phone.refresh(), null);
  assert.equal(desk.session.claims.username, "bob");

  await desk.sessions.end(own.id);
  assert.equal(desk.session, null);
  await assert.rejects(desk.sessions.list(), { status: 401 });
});

test("endAll ends all of them", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(BOB);

  await tab.sessions.endAll();

  assert.equal(tab.session, null);
  assert.ok(!browser.cookies.has("ratchet-refresh-token"));
});

test("a step up renews auth_time; a wrong password signs nobody out", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const before = tab.session;

  await assert.rejects(tab.stepUp({ password: "wrong" }), { status: 401 });
  assert.equal(tab.session.claims.sid, before.claims.sid);

  const after = await tab.stepUp({ password: ALICE.password });
  assert.equal(after.claims.sid, before.claims.sid);
  assert.notEqual(after, before);
  assert.ok(await tab.refresh(), "the turn was taken");
});

test("a lost step up does not cost the session", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("browser/step-up/", lost);

  await assert.rejects(tab.stepUp({ password: ALICE.password }), { code: "no_answer" });

  assert.equal((await tab.refresh()).claims.username, "alice");
  assert.equal((await tab.fetch("/api/protected/")).status, 200);
});

test("listeners hear changes, and nothing but changes", async (t) => {
  const tab = new Browser(t).tab();
  const heard = [];
  const stop = tab.onChange((session) => heard.push(session?.claims.username ?? null));

  await tab.restore();
  await tab.logout();
  assert.deepEqual(heard, []);
  await tab.login(ALICE);
  await tab.restore();
  await tab.fetch("/api/protected/");
  assert.deepEqual(heard, ["alice"]);
  await tab.login(BOB);
  await tab.logout();
  await tab.logout();
  assert.deepEqual(heard, ["alice", "bob", null]);
  stop();
  await tab.login(ALICE);
  assert.equal(heard.length, 3);
});

test("a listener that throws keeps nobody from hearing", async (t) => {
  const complaints = t.mock.method(console, "error", () => {});
  const tab = new Browser(t).tab();
  const heard = [];
  tab.onChange(() => {
    throw new Error("the listener's own");
  });
  tab.onChange((session) => heard.push(session));

  await tab.login(ALICE);

  assert.equal(heard.length, 1);
  assert.equal(complaints.mock.calls[0].arguments[0].message, "the listener's own");
});

test("no token is ever stored", async (t) => {
  const written = [];
  const items = new Map();
  const browser = new Browser(t);
  browser.storage = {
    ...storage(items),
    setItem: (name, value) => {
      written.push(`${name} ${value}`);
      items.set(name, value);
    },
  };
  const tab = await browser.signedInTab();
  const tokens = [await tab.accessToken(), ...browser.cookies.values()];
  browser.fault("browser/refresh/", lost);
  await tab.refresh();
  await tab.stepUp(ALICE);
  tokens.push(await tab.accessToken(), ...browser.cookies.values());
  await tab.logout();

  assert.ok(written.some((line) => line.includes(" key ")), "the key was kept");
  for (const line of written) {
    assert.ok(line.length < 120, line);
    for (const part of tokens.flatMap((token) => token.split("."))) {
      assert.ok(!line.includes(part), line);
    }
  }
});

test("a storage that throws is done without", async (t) => {
  const browser = new Browser(t);
  const broken = () => {
    throw new DOMException("denied", "SecurityError");
  };
  browser.storage = { getItem: broken, setItem: broken, removeItem: broken };
  const tabs = [await browser.signedInTab(), browser.tab()];
  browser.fault("browser/refresh/", lost);

  await tabs[0].refresh();
  assert.equal(browser.refreshes.length, 2, "the lost one and its retry, with one key");
  assert.equal(new Set(browser.refreshes.map(keyOf)).size, 1);

  assert.equal((await tabs[1].restore()).claims.username, "alice");
  await tabs[1].logout();
  await until(() => tabs[0].session === null);
});

test("a client that was closed says so, at once", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const before = browser.requests.length;
  tab.close();
  const closed = { name: "AbortError", message: "The client was closed." };

  for (const act of [
    () => tab.fetch("/api/protected/"),
    () => tab.refresh(),
    () => tab.restore(),
    () => tab.login(ALICE),
    () => tab.logout(),
    () => tab.stepUp(ALICE),
    () => tab.accessToken(),
    () => tab.sessions.list(),
  ]) {
    await assert.rejects(act(), closed);
  }
  assert.equal(browser.requests.length, before);
  tab.onChange(() => {})();
  tab.close();
});

test("a cookie that the browser does not keep is told at the sign-in", async (t) => {
  const browser = new Browser(t);
  browser.refusesCookies = true;
  const tab = browser.tab();

  await assert.rejects(tab.login(ALICE), {
    name: "RatchetError",
    code: "cookie_refused",
    isTransient: false,
    message: /COOKIE_SECURE.*same site/s,
  });

  assert.equal(tab.session, null);
  assert.equal(browser.sent("logout/")[0].status, 200, "and no session is left behind");
});

test("a server that does not say whether the cookie is there stops no sign-in", async (t) => {
  const browser = new Browser(t);
  browser.fault("browser/session/", unreachable);

  assert.equal((await browser.tab().login(ALICE)).claims.username, "alice");
});

test("an access token in a cookie is told by its setting", async (t) => {
  const browser = new Browser(t);
  browser.fault("browser/login/", async () => Response.json({ expires_in: 300 }));

  await assert.rejects(browser.tab().login(ALICE), {
    name: "RatchetError",
    code: "setup",
    message: /DRF_RATCHET\["ACCESS_TOKEN_COOKIE"\]/,
  });
});

test("a page that goes away can sign out without waiting", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const goOn = await new Promise((resolve) => {
    browser.locks.request(`drf-ratchet ${ORIGIN}/api/`, {}, () => new Promise(resolve));
  });

  const leaving = tab.logout({ keepalive: true });
  for (let turns = 0; turns < 20; turns += 1) await null;

  assert.equal(browser.sent("browser/logout/").length, 1);
  assert.equal(browser.sent("browser/logout/")[0].keepalive, true);
  await leaving;
  assert.equal(tab.session, null);
  goOn();
});

test("a claim of any language is read, without a TextDecoder", async (t) => {
  const { TextDecoder } = globalThis;
  delete globalThis.TextDecoder; // as in jest with jsdom
  t.after(() => (globalThis.TextDecoder = TextDecoder));
  const claims = { sub: "1", sid: "x", name: "Zoë 東京 🦔 %41" };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const access = `${part({ alg: "none" })}.${part(claims)}.x`;
  const browser = new Browser(t);
  browser.fault("browser/login/", async () => Response.json({ access, expires_in: 300 }));
  browser.fault("browser/session/", unreachable);

  assert.deepEqual({ ...(await browser.tab().login(ALICE)).claims }, claims);
});

test("where there is no fetch, that is what is said", async (t) => {
  const { Request } = globalThis;
  delete globalThis.Request; // as in jest with jsdom
  t.after(() => (globalThis.Request = Request));
  const tab = new Browser(t).tab({ fetch: undefined });

  await assert.rejects(tab.fetch("/api/protected/"), { code: "setup", message: /no fetch/ });
});

test("a damaged token is the server's to refuse, and a second one is fetched once", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("sessions/", damaged);

  assert.ok((await tab.sessions.list()).length >= 1);
  assert.equal(browser.refreshes.length, 1);
});
