import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { ALICE, BOB, Browser, ORIGIN, answered, damaged, until, wind } from "./browser.js";

/** A server on another origin that keeps the headers of what it gets. */
async function elsewhere(t, answer = (_, response) => response.end("{}")) {
  const got = [];
  const server = createServer((request, response) => {
    got.push(request.headers);
    answer(request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, got };
}

test("the first fetch of a page restores by itself", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab()).close();
  const tab = browser.tab();

  const answer = await tab.fetch("/api/protected/");

  assert.deepEqual(await answer.json(), { message: "This is a protected view!" });
  assert.equal(tab.session.claims.username, "alice");
});

test("where nobody is signed in, requests go out as they are", async (t) => {
  const browser = new Browser(t);
  const tab = browser.tab();

  assert.equal((await tab.fetch("/api/posts/")).status, 200);
  assert.equal((await tab.fetch("/api/protected/")).status, 401);

  assert.equal(browser.sent("posts/")[0].headers.get("Authorization"), null);
  assert.equal(browser.sent("browser/session/").length, 1, "asked once");
  assert.equal(browser.refreshes.length, 0);
});

test("strings, URLs and Requests are all fetched", async (t) => {
  const tab = await new Browser(t).signedInTab();
  const url = `${ORIGIN}/api/protected/`;

  for (const input of ["/api/protected/", url, new URL(url), new Request(url)]) {
    assert.equal((await tab.fetch(input)).status, 200);
  }
});

test("the token goes to the API's origin and to no other", async (t) => {
  const other = await elsewhere(t);
  const browser = new Browser(t);
  const tab = await browser.signedInTab();

  await tab.fetch(`${other.url}/api/protected/`);
  await tab.fetch(new Request(`${other.url}/api/protected/`, { method: "POST", body: "{}" }));
  await tab.fetch("//localhost:9/", {}).catch(() => {});

  assert.equal(other.got.length, 2);
  assert.deepEqual(other.got.map((headers) => headers.authorization), [undefined, undefined]);
  assert.equal(browser.requests.at(-1).headers.get("Authorization"), null);
});

test("a redirect does not take the token to another origin", async (t) => {
  const other = await elsewhere(t);
  const api = await elsewhere(t, (request, response) => {
    response.writeHead(307, { Location: `${other.url}/` }).end();
  });
  // The sign-in is the real server's; what the API's origin then redirects is ours.
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("redirected/", (_, request) => fetch(new Request(api.url, request)));

  await tab.fetch("/api/redirected/");

  assert.match(api.got[0].authorization, /^Bearer /);
  assert.equal(other.got.length, 1);
  assert.equal(other.got[0].authorization, undefined);
});

test("a password is not redirected", async (t) => {
  const other = await elsewhere(t);
  const api = await elsewhere(t, (request, response) => {
    response.writeHead(307, { Location: `${other.url}/` }).end();
  });
  const tab = new Browser(t).tab({ baseUrl: api.url });

  await assert.rejects(tab.login(ALICE), { code: "redirected" });

  assert.equal(other.got.length, 0);
});

test("an Authorization of the caller's own is left alone", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();

  const answer = await tab.fetch("/api/protected/", { headers: { Authorization: "Bearer mine" } });

  assert.equal(answer.status, 401);
  assert.equal(browser.refreshes.length, 0);
});

test("a token that is about to end is refreshed first", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();

  wind(t, 285);
  await tab.fetch("/api/protected/");
  assert.equal(browser.refreshes.length, 0);
  wind(t, 6);
  await tab.fetch("/api/protected/");
  assert.equal(browser.refreshes.length, 1);
  await tab.fetch("/api/protected/");

  assert.equal(browser.refreshes.length, 1);
  assert.ok(browser.sent("protected/").every(({ status }) => status === 200));
});

test("the margin is never more than a fifth of the lifetime", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE, { margin: 1000 });

  wind(t, 235);
  await tab.fetch("/api/protected/");
  assert.equal(browser.refreshes.length, 0);
  wind(t, 10);
  await tab.fetch("/api/protected/");
  assert.equal(browser.refreshes.length, 1);
});

test("a machine that wakes up days later refreshes before it asks", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();

  wind(t, 3 * 24 * 3600);

  assert.equal((await tab.fetch("/api/protected/")).status, 200);
  assert.deepEqual(browser.sent("protected/").map(({ status }) => status), [200]);
});

for (const [way, days] of [["ahead", 400], ["behind", -400]]) {
  test(`a clock that is 400 days ${way} changes nothing`, async (t) => {
    wind(t, days * 24 * 3600);
    const browser = new Browser(t);
    const tab = await browser.signedInTab();

    for (let times = 0; times < 3; times += 1) await tab.fetch("/api/protected/");

    assert.equal(browser.refreshes.length, 0);
    assert.ok(Math.abs(tab.session.accessExpiresAt - Date.now() - 300_000) < 5000);
  });
}

test("a clock that is set back is noticed by the 401, and the other tabs follow", async (t) => {
  const browser = new Browser(t);
  const tabs = [await browser.signedInTab(), browser.tab()];
  await tabs[1].restore();
  wind(t, -3600);
  browser.fault("protected/", damaged);

  assert.equal((await tabs[0].fetch("/api/protected/")).status, 200);
  await until(() => tabs[1].session.accessExpiresAt < Date.now() + 301_000);

  assert.equal((await tabs[1].fetch("/api/protected/")).status, 200);
  assert.equal(browser.refreshes.length, 1);
});

test("a refused token is refreshed once, and the request sent again", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("protected/", damaged);

  assert.equal((await tab.fetch("/api/protected/")).status, 200);

  assert.deepEqual(browser.sent("protected/").map(({ status }) => status), [401, 200]);
  assert.equal(browser.refreshes.length, 1);
});

test("a token that is refused twice is the caller's to see", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.fault("protected/", damaged);
  browser.fault("protected/", damaged);

  const answer = await tab.fetch("/api/protected/");

  assert.equal(answer.status, 401);
  assert.equal((await answer.json()).code, "token_not_valid");
  assert.equal(browser.refreshes.length, 1);
});

test("other 401s are the caller's at once", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  for (const challenge of [
    "",
    'Basic realm="api"',
    'Bearer realm="api"',
    'Bearer realm="api", error="insufficient_user_authentication"',
  ]) {
    browser.fault("protected/", answered(401, challenge && { "WWW-Authenticate": challenge }));
    assert.equal((await tab.fetch("/api/protected/")).status, 401);
  }
  assert.equal(browser.refreshes.length, 0);
});

test("twenty requests at once need one refresh", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const all = () => Promise.all(Array.from({ length: 20 }, () => tab.fetch("/api/protected/")));

  wind(t, 300);
  assert.ok((await all()).every(({ status }) => status === 200));
  assert.equal(browser.refreshes.length, 1);

  for (let times = 0; times < 20; times += 1) browser.fault("protected/", damaged);
  assert.ok((await all()).every(({ status }) => status === 200));
  assert.equal(browser.refreshes.length, 2);
});

for (const [kind, init] of Object.entries({
  string: () => ({ body: JSON.stringify({ title: "Twice", body: "Sent again." }) }),
  bytes: () => ({ body: new TextEncoder().encode('{"title": "Twice", "body": "Sent again."}') }),
  FormData: () => {
    const body = new FormData();
    body.set("title", "Twice");
    body.set("body", "Sent again.");
    return { body, headers: {} };
  },
  Blob: () => ({ body: new Blob(['{"title": "Twice", "body": "Sent again."}']) }),
})) {
  for (const asRequest of [false, true]) {
    test(`a body is sent again: ${kind}${asRequest ? " in a Request" : ""}`, async (t) => {
      const browser = new Browser(t);
      const tab = await browser.signedInTab();
      browser.fault("posts/create/", damaged);
      const url = `${ORIGIN}/api/posts/create/`;
      const headers = { "Content-Type": "application/json" };
      const options = { method: "POST", headers, ...init() };

      const answer = asRequest
        ? await tab.fetch(new Request(url, options))
        : await tab.fetch(url, options);

      assert.equal(answer.status, 201);
      const { id, title, body, author } = await answer.json();
      assert.deepEqual([title, body, author], ["Twice", "Sent again.", "alice"]);
      assert.deepEqual(browser.sent("posts/create/").map(({ status }) => status), [401, 201]);
      await tab.fetch(`/api/posts/${id}/`, { method: "DELETE" });
    });
  }
}

test("an error of the network is fetch's own", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  browser.goOffline();

  await assert.rejects(tab.fetch("/api/protected/"), TypeError);
});

test("with an API elsewhere, an address without a host is the API's", async (t) => {
  // The page is on another origin than ORIGIN, which is where the API is.
  globalThis.document = { baseURI: "https://app.example.com/orders/" };
  t.after(() => delete globalThis.document);
  const browser = new Browser(t);
  const tab = await browser.signedInTab();

  for (const address of ["/api/protected/", "protected/"]) {
    assert.equal((await tab.fetch(address)).status, 200);
  }

  assert.ok(browser.sent("protected/").every(({ headers }) => headers.has("Authorization")));
});

test("with the API at home, an address is the page's, as for window.fetch", async (t) => {
  globalThis.document = { baseURI: `${ORIGIN}/api/posts/` };
  t.after(() => delete globalThis.document);
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE, { baseUrl: "/api/" });

  await tab.fetch("../protected/");
  await tab.fetch("/api/protected/");

  assert.deepEqual(browser.sent("protected/").map(({ status }) => status), [200, 200]);
});

test("a request of mode no-cors, which cannot carry a token, is not sent without", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const request = new Request(`${ORIGIN}/api/protected/`, { mode: "no-cors" });

  await assert.rejects(tab.fetch(request), { code: "setup", message: /no-cors/ });

  assert.equal(browser.sent("protected/").length, 0);
  await tab.logout();
  assert.equal((await tab.fetch(request)).status, 401, "where there is none it goes out");
});

test("a request with keepalive uses its token to the end", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  wind(t, 295);

  assert.equal((await tab.fetch("/api/protected/", { keepalive: true })).status, 200);

  assert.equal(browser.sent("protected/")[0].keepalive, true);
  assert.equal(browser.refreshes.length, 0, "a page that goes away cannot wait for one");
  await tab.fetch("/api/protected/");
  assert.equal(browser.refreshes.length, 1);
});

test("a request with keepalive leaves before the page does", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const before = browser.requests.length;

  tab.fetch("/api/protected/", { keepalive: true }).catch(() => {});

  // Microtasks run before a page is gone, and nothing else does.
  for (let turns = 0; turns < 20; turns += 1) await null;
  assert.equal(browser.requests.length, before + 1);
});
