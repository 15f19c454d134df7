import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { queueLocks } from "../src/environment.js";
import {
  ALICE,
  BOB,
  Browser,
  ORIGIN,
  answered,
  keyOf,
  lost,
  unreachable,
  until,
  wind,
} from "./browser.js";

const keysOf = (browser) => browser.refreshes.map(keyOf);
const storedKey = (browser) => [...browser.storage.items].find(([name]) => name.endsWith(" key"));

const broken = () => {
  throw new DOMException("denied", "SecurityError");
};
const throwing = { getItem: broken, setItem: broken, removeItem: broken };

// The server under test has no grace period (ROTATION_GRACE is 0): a token that comes a second
// time without its key ends the session, as one does that comes after the ten seconds.

test("a lost answer is asked for again with the same key, and nobody is signed out", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("browser/refresh/", lost);
  browser.fault("browser/refresh/", lost);

  assert.equal((await tab.refresh()).claims.username, "alice");

  const keys = keysOf(browser);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.match(keys[0], /^[!-~]{16,128}$/);
  assert.equal((await tab.fetch("/api/protected/")).status, 200);
});

test("the server under test forgives no replay without the key", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("browser/refresh/", (go, request) => {
    const cookies = request.headers.get("Cookie");
    request.headers.set("Cookie", cookies.replace(/ratchet-refresh-key=[^;]+/, ""));
    return go({ lose: true });
  });

  assert.equal(await tab.refresh(), null);
});

test("each token has a key of its own, and scripts see none of them", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  await tab.refresh();
  await tab.refresh();

  const keys = keysOf(browser);
  assert.equal(new Set(keys).size, 2);
  assert.ok(browser.refreshes.every(({ headers }) => !headers.has("Idempotency-Key")));
  assert.deepEqual([...browser.storage.items.keys()].filter((name) => / key$/.test(name)), []);
});

for (const [where, options] of Object.entries({
  "on another origin": (browser) => browser.elsewhere(),
  "in a worker": (browser) => browser.tab({ storage: null }),
  "with a storage that throws": (browser) => browser.tab({ storage: throwing }),
  "without locks, channel and storage": (browser) =>
    browser.tab({ storage: null, openChannel: () => null, locks: queueLocks() }),
})) {
  test(`an answer that was lost ${where} costs no session`, async (t) => {
    for (const [first, second] of [
      [options, (browser) => browser.tab()],
      [(browser) => browser.tab(), options],
      [options, options],
    ]) {
      const browser = new Browser(t);
      const tab = first(browser);
      await tab.login(ALICE);
      browser.fault("browser/refresh/", lost);
      const refreshing = tab.refresh();
      refreshing.catch(() => {});
      await until(() => browser.refreshes[0]?.status === 200);
      tab.close();

      const other = second(browser);
      assert.equal((await other.restore()).claims.username, "alice");
      assert.equal((await other.refresh()).claims.username, "alice");
    }
  });
}

for (const who of ["the same tab", "another tab"]) {
  test(`a lost step up is finished by ${who} before anything else`, async (t) => {
    const browser = new Browser(t);
    const tab = await browser.signedInTab();
    const other = browser.tab();
    await other.restore();
    browser.fault("browser/step-up/", lost);
    browser.requests.length = 0;

    await assert.rejects(tab.stepUp(ALICE), { code: "no_answer" });
    if (who === "another tab") tab.close();
    await other.refresh();

    const [key] = browser.sent("browser/step-up/").map((r) => r.headers.get("Idempotency-Key"));
    assert.match(key, /^[!-~]{16,128}$/);
    const after = browser.refreshes.slice(1).map((r) => r.headers.get("Idempotency-Key"));
    assert.equal(after[0], key);
    assert.equal(storedKey(browser), undefined);
    assert.equal((await other.stepUp(ALICE)).claims.username, "alice");
  });
}

test("a step up after a lost answer costs no session", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE, { patience: 0 });
  browser.fault("browser/refresh/", lost);
  await assert.rejects(tab.refresh(), { code: "no_answer" });

  assert.equal((await tab.stepUp(ALICE)).claims.username, "alice");
  assert.equal((await tab.refresh()).claims.username, "alice");
});

test("a refusal drops the key of a step up, and signs nobody out", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  await assert.rejects(tab.stepUp({ password: "wrong" }), { status: 401 });
  assert.equal(storedKey(browser), undefined);
  assert.ok(tab.session);
  assert.ok(await tab.refresh());
});

test("a key that somebody has damaged is not sent", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  await tab.refresh();
  const [marker] = browser.storage.items.keys();
  for (const bad of ["", "two words", "ü", "x".repeat(129)]) {
    browser.storage.setItem(marker.replace("marker", "key"), bad);
    browser.storage.setItem(marker, "nonsense");
    assert.ok(await tab.refresh());
  }
});

test("a reload after a lost answer goes on with the same key", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("browser/refresh/", lost);
  const refreshing = tab.refresh();
  refreshing.catch(() => {});
  await until(() => browser.refreshes[0]?.status === 200);
  tab.close();

  assert.equal((await browser.tab().restore()).claims.username, "alice");

  const keys = keysOf(browser);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

test("a cookie that arrived without its answer is gone on with", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("browser/refresh/", async (go) => {
    await go();
    throw new TypeError("cut off in the body");
  });

  assert.ok(await tab.refresh());
  assert.ok(await tab.refresh());
});

test("a tab takes over the key of another that waits for the network", async (t) => {
  const browser = new Browser(t);
  const tabs = [await browser.signedInTab(), browser.tab()];
  await tabs[1].restore();
  browser.fault("browser/refresh/", lost);
  const first = tabs[0].refresh();
  await until(() => browser.refreshes[0]?.status === 200);

  const second = await tabs[1].refresh();
  await first;

  assert.equal(second.claims.username, "alice");
  const keys = keysOf(browser);
  assert.equal(keys.length, 2, "and the first finds it done");
  assert.equal(keys[0], keys[1]);
});

for (const [name, fault] of Object.entries({
  "a server that is away": unreachable,
  "500": answered(500),
  "502": answered(502),
  "503": answered(503),
  "429": answered(429),
})) {
  test(`${name} is waited out, and signs nobody out`, async (t) => {
    const browser = new Browser(t);
    const tab = await browser.signedInTab();
    const heard = [];
    tab.onChange((session) => heard.push(session));
    wind(t, 300);
    browser.fault("browser/refresh/", fault);

    assert.equal((await tab.fetch("/api/protected/")).status, 200);

    assert.equal(browser.refreshes.length, 2);
    assert.equal(new Set(keysOf(browser)).size, 1);
    assert.ok(heard.every((session) => session !== null));
  });
}

/** A proxy in front of the server, where `answer(request, response, pass)` may answer itself. */
async function behindProxy(t, browser, answer) {
  const hops = ["host", "connection", "transfer-encoding", "content-length"];
  const proxy = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const headers = Object.entries(request.headers).filter(([name]) => !hops.includes(name));
    const pass = () =>
      fetch(ORIGIN + request.url, {
        method: request.method,
        headers: Object.fromEntries(headers),
        body: body.length ? body : undefined,
      });
    await answer(request, response, pass);
    if (response.writableEnded) return;
    const passed = await pass();
    response.writeHead(passed.status, [...passed.headers].flat().filter(Boolean));
    response.end(Buffer.from(await passed.arrayBuffer()));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => proxy.close());
  browser.through = `http://127.0.0.1:${proxy.address().port}`;
}

test("a proxy that answers for the server is not taken for it", async (t) => {
  let down = true;
  const browser = new Browser(t);
  await behindProxy(t, browser, async (request, response, pass) => {
    if (!down || !request.url.endsWith("/refresh/")) return;
    down = false;
    // It has let the request through, and lost the answer.
    await pass();
    response.writeHead(504, { "Content-Type": "text/html" }).end("<h1>Gateway Timeout</h1>");
  });
  const tab = await browser.signedInTab();

  assert.equal((await tab.refresh()).claims.username, "alice");
  assert.deepEqual(browser.refreshes.map(({ status }) => status), [504, 200]);
  assert.equal(new Set(keysOf(browser)).size, 1);
});

const BASIC = { "WWW-Authenticate": "Basic realm=proxy" };
for (const [name, status, type, body] of [
  ["a 401 of HTML", 401, "text/html", "<h1>Unauthorized</h1>"],
  ["a 401 of JSON", 401, "application/json", '{"message": "Unauthorized"}'],
  ["a 401 of JSON with a code", 401, "application/json", '{"code": "token_not_valid"}'],
  ["a 401 of JSON with lists", 401, "application/json", '{"errors": ["Unauthorized"]}'],
  ["a 403 of HTML", 403, "text/html", "<h1>Forbidden</h1>"],
]) {
  test(`${name} from a proxy signs no tab out, and a lost answer keeps its key`, async (t) => {
    let closed = false;
    const browser = new Browser(t);
    await behindProxy(t, browser, async (request, response, pass) => {
      if (!closed || !request.url.endsWith("/refresh/")) return;
      // The session is turned behind it: without the same key the next one is a replay.
      await pass();
      response.writeHead(status, { "Content-Type": type, ...BASIC }).end(body);
    });
    const tabs = [await browser.signedInTab(), browser.tab()];
    await tabs[1].restore();
    const heard = [];
    for (const tab of tabs) tab.onChange((session) => heard.push(session));
    closed = true;

    await assert.rejects(tabs[0].refresh(), { status, isTransient: false });

    assert.equal(browser.refreshes.length, 1, "it is not tried again at once");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(heard, []);
    assert.ok(tabs.every((tab) => tab.session));

    closed = false;
    assert.equal((await tabs[1].refresh()).claims.username, "alice");
    assert.equal((await tabs[0].fetch("/api/protected/")).status, 200);
    assert.equal(new Set(keysOf(browser)).size, 1);
  });
}

test("a proxy's 401 for a step up keeps the key of its turn", async (t) => {
  let closed = true;
  const browser = new Browser(t);
  await behindProxy(t, browser, async (request, response, pass) => {
    if (!closed || !request.url.endsWith("/step-up/")) return;
    closed = false;
    await pass();
    response.writeHead(401, { "Content-Type": "text/html", ...BASIC }).end("<h1>No</h1>");
  });
  const tab = await browser.signedInTab();

  await assert.rejects(tab.stepUp(ALICE), { status: 401, code: "error" });
  assert.ok(storedKey(browser));

  assert.equal((await tab.stepUp(ALICE)).claims.username, "alice");
});

test("a proxy's 401 is no sign-out everywhere", async (t) => {
  let closed = true;
  const browser = new Browser(t);
  await behindProxy(t, browser, async (request, response) => {
    if (!closed || !request.url.endsWith("/logout/all/")) return;
    closed = false;
    response.writeHead(401, { "Content-Type": "text/html", ...BASIC }).end("<h1>No</h1>");
  });
  const tab = await browser.signedInTab(BOB);
  const elsewhere = await new Browser(t).signedInTab(BOB);

  await assert.rejects(tab.logout({ everywhere: true }), { status: 401, code: "error" });
  assert.ok(tab.session);
  assert.ok(await elsewhere.refresh());

  await tab.logout({ everywhere: true });
  assert.equal(tab.session, null);
  assert.equal(await elsewhere.refresh(), null);
});

test("Retry-After is honoured", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("browser/refresh/", answered(429, { "Retry-After": "1" }));
  const start = performance.now();

  await tab.refresh();

  assert.ok(performance.now() - start >= 990);
  assert.equal(browser.refreshes.length, 2);
});

test("a Retry-After that is too long to wait for is told", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  wind(t, 300);
  browser.fault("browser/refresh/", answered(429, { "Retry-After": "3600" }));

  await assert.rejects(tab.fetch("/api/protected/"), { status: 429, retryAfter: 3600 });

  assert.ok(tab.session, "and signs nobody out");
  assert.equal((await tab.fetch("/api/protected/")).status, 200);
  assert.equal(new Set(keysOf(browser)).size, 1);
});

test("patience has an end, online", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(undefined, { patience: 0.5 });
  for (let times = 0; times < 9; times += 1) browser.fault("browser/refresh/", unreachable);

  await assert.rejects(tab.refresh(), { status: 0, code: "no_answer" });

  assert.ok(tab.session);
  assert.ok(browser.refreshes.length > 1);
});

test("twenty requests that wait for the server ask it no more often than one", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(undefined, { patience: 0.5 });
  wind(t, 300);
  for (let times = 0; times < 40; times += 1) browser.fault("browser/refresh/", answered(503));

  const all = Array.from({ length: 20 }, () => tab.fetch("/api/protected/"));
  const outcomes = await Promise.allSettled(all);

  assert.ok(outcomes.every(({ reason }) => reason.status === 503));
  assert.ok(browser.refreshes.length <= 4, `${browser.refreshes.length}`);
});

test("offline, a refresh waits until the network is back", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(undefined, { patience: 0 });
  wind(t, 300);
  browser.goOffline();
  let over = false;
  const fetching = tab.fetch("/api/protected/").finally(() => (over = true));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(over, false);

  browser.goOnline();

  assert.equal((await fetching).status, 200);
});

test("a signal ends the wait of its own request alone", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  wind(t, 300);
  browser.goOffline();
  const impatient = new AbortController();
  const first = tab.fetch("/api/protected/", { signal: impatient.signal });
  const second = tab.fetch("/api/protected/");
  await new Promise((resolve) => setTimeout(resolve, 20));

  impatient.abort(new Error("the page was left"));
  await assert.rejects(first, { message: "the page was left" });

  browser.goOnline();
  assert.equal((await second).status, 200);
  assert.equal(browser.refreshes.length, 1);
});

test("where nobody waits any more, nothing is sent", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  wind(t, 300);
  browser.goOffline();
  const impatient = new AbortController();
  setTimeout(() => impatient.abort(), 50);
  const fetching = tab.fetch("/api/protected/", { signal: impatient.signal });
  await assert.rejects(fetching, { name: "AbortError" });

  browser.goOnline();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(browser.refreshes.length, 0);

  assert.equal((await tab.fetch("/api/protected/")).status, 200);
});

test("a signal that was aborted before sends nothing", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const before = browser.requests.length;
  const signal = AbortSignal.abort();

  await assert.rejects(tab.fetch("/api/protected/", { signal }), { name: "AbortError" });
  await assert.rejects(tab.refresh({ signal }), { name: "AbortError" });
  await assert.rejects(tab.logout({ signal }), { name: "AbortError" });

  assert.equal(browser.sent("browser/refresh/").length, 0);
  assert.ok(browser.requests.slice(before).every(({ status }) => status === 0));
});

test("a sign-out goes through while a refresh waits for the server", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  for (let times = 0; times < 9; times += 1) browser.fault("browser/refresh/", answered(503));
  const refreshing = tab.refresh();
  await until(() => browser.refreshes.length === 1);

  await tab.logout();

  assert.equal(await refreshing, null);
  assert.equal(tab.session, null);
});

/** A browser that says it is offline, and is not: virtual machines, some VPNs, some desktops. */
const wronglyOffline = () => ({ network: Object.assign(new EventTarget(), { onLine: false }) });

test("an answer is proof of being online, whatever navigator.onLine says", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE, wronglyOffline());
  wind(t, 300);
  browser.fault("browser/refresh/", answered(503));
  browser.fault("browser/refresh/", answered(503));

  assert.equal((await tab.fetch("/api/protected/")).status, 200);
  assert.equal(browser.refreshes.length, 3);
});

test("and patience with such a server has an end", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE, { ...wronglyOffline(), patience: 0.5 });
  for (let times = 0; times < 9; times += 1) browser.fault("browser/refresh/", answered(503));

  await assert.rejects(tab.refresh(), { status: 503 });
});

test("without an answer it is tried again now and then", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE, wronglyOffline());
  browser.fault("browser/refresh/", unreachable);
  browser.fault("browser/refresh/", unreachable);

  assert.equal((await tab.refresh()).claims.username, "alice");
});

/** Something in front of the server sends every request of that path elsewhere. */
const redirecting = (t, browser, path, to) =>
  behindProxy(t, browser, async (request, response) => {
    if (request.url.endsWith(path)) response.writeHead(302, { Location: to }).end();
  });

for (const [path, act] of [
  ["/browser/refresh/", (tab) => tab.refresh()],
  ["/browser/login/", (tab) => tab.login(BOB)],
  ["/browser/logout/", (tab) => tab.logout()],
  ["/browser/session/", (_, browser) => browser.tab({ openChannel: () => null }).restore()],
]) {
  test(`a redirect of ${path} is told at once, and where to`, async (t) => {
    const browser = new Browser(t);
    const tab = await browser.signedInTab();
    await redirecting(t, browser, path, "https://sso.example.com/sign-in");
    const start = performance.now();

    await assert.rejects(act(tab, browser), {
      name: "RatchetError",
      code: "redirected",
      isTransient: false,
      message: /redirected to https:\/\/sso\.example\.com\/sign-in: is baseUrl right\?/,
    });

    assert.ok(performance.now() - start < 5000);
    assert.ok(tab.session, "and signs nobody out");
  });
}
