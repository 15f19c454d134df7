/** Rendering on a server, against the real API: each visitor is a browser with a cookie jar. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";

import { RatchetError, createServerSession } from "../src/server.js";
import { ALICE, BOB, Browser, ORIGIN, until, wind } from "./browser.js";

// The demo is served without TLS, and its cookies lack __Host-.
const COOKIES = "ratchet";
const REFRESH = `${COOKIES}-refresh-token`;
const KEY = `${COOKIES}-refresh-key`;
const PAGE = `${COOKIES}-page-token`;

/** A server that renders pages: writes down what it asks of the API. */
class Renderer {
  asked = [];
  /** What becomes of the next request to a path: `how(go)`. */
  faults = new Map();

  session = (request, options = {}) =>
    createServerSession({
      request,
      baseUrl: `${ORIGIN}/api/`,
      cookieName: COOKIES,
      fetch: this.#fetch,
      ...options,
    });

  count(path) {
    return this.asked.filter((request) => new URL(request.url).pathname === `/api/${path}`).length;
  }

  /** A page that asks for everything at once, as the loaders of its parts do. */
  page = async (request) => {
    const session = this.session(request);
    const [user, answer] = await Promise.all([session.user(), session.fetch("protected/")]);
    this.shown = { name: user?.username ?? null, status: answer.status };
    return session.setCookies;
  };

  #fetch = async (input, init) => {
    const request = new Request(input, init);
    this.asked.push(request.clone());
    const path = new URL(request.url).pathname.replace("/api/", "");
    const how = this.faults.get(path);
    this.faults.delete(path);
    const go = () => fetch(request);
    return how ? how(go) : go();
  };
}

async function signedIn(t, credentials = ALICE) {
  const browser = new Browser(t);
  browser.client = await browser.signedInTab(credentials);
  return browser;
}

const namesOf = (setCookies) => setCookies.map((cookie) => cookie.split("=")[0]).sort();
const expire = (browser) => browser.cookies.delete(PAGE);

test("a page is its visitor's, and the next one needs no refresh", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  let set;
  const before = browser.cookies.get(REFRESH);
  await browser.load(async (request) => (set = await renderer.page(request)));

  assert.deepEqual(renderer.shown, { name: "alice", status: 200 });
  assert.equal(renderer.count("browser/refresh/"), 1);
  assert.deepEqual(namesOf(set), [PAGE, KEY, REFRESH].sort());
  for (const cookie of set) assert.match(cookie, /; HttpOnly.*; SameSite=Strict/);
  assert.notEqual(browser.cookies.get(REFRESH), before);

  await browser.load(async (request) => (set = await renderer.page(request)));

  assert.deepEqual(renderer.shown, { name: "alice", status: 200 });
  assert.equal(renderer.count("browser/refresh/"), 1);
  assert.deepEqual(set, []);
  // The page in the browser goes on with what the renderer was given.
  assert.equal((await browser.client.refresh()).claims.username, "alice");
});

test("whoever asks during one request shares one refresh", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  await browser.load(async (request) => {
    const session = renderer.session(request);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => session.fetch("/api/protected/")),
    );
    assert.deepEqual(answers.map((answer) => answer.status), Array(10).fill(200));
    assert.equal((await session.user()).username, "alice");
    assert.equal(await session.accessToken(), await session.accessToken());
    return session.setCookies;
  });

  assert.equal(renderer.count("browser/refresh/"), 1);
  assert.equal(renderer.count("token/verify/"), 0, "what has just come needs no second look");
});

test("a visitor without cookies is nobody, and the API is not asked", async (t) => {
  const renderer = new Renderer();
  await new Browser(t).load(async (request) => {
    const session = renderer.session(request);
    assert.equal(await session.user(), null);
    assert.equal(await session.accessToken(), null);
    assert.equal(renderer.asked.length, 0);
    assert.equal((await session.fetch("posts/")).status, 200);
    assert.equal((await session.fetch("protected/")).status, 401);
    return session.setCookies;
  });
});

test("pages that never arrive cost no session, though the grace period is 0", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  for (let times = 0; times < 3; times += 1) {
    await browser.load(renderer.page, { lose: true });
    assert.deepEqual(renderer.shown, { name: "alice", status: 200 });
  }
  await browser.load(renderer.page);
  expire(browser);
  await browser.load(renderer.page);
  assert.deepEqual(renderer.shown, { name: "alice", status: 200 });
  assert.equal((await browser.client.refresh()).claims.username, "alice");
});

test("an answer of the API that is lost is asked for again", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  const lost = async (go) => {
    await go();
    throw new TypeError("other side closed");
  };
  renderer.faults.set("browser/refresh/", lost);
  await browser.load(renderer.page);
  assert.deepEqual(renderer.shown, { name: "alice", status: 200 });

  renderer.faults.set("token/verify/", lost);
  await browser.load(renderer.page);
  assert.deepEqual(renderer.shown, { name: "alice", status: 200 });

  expire(browser);
  await browser.load(renderer.page);
  assert.deepEqual(renderer.shown, { name: "alice", status: 200 });
});

test("two visitors in one process share nothing, however their requests interleave", async (t) => {
  const browsers = [await signedIn(t), await signedIn(t, BOB), new Browser(t)];
  const renderer = new Renderer();
  const names = ["alice", "bob", null];
  for (let round = 0; round < 5; round += 1) {
    const shown = browsers.map(() => null);
    await Promise.all(
      browsers.map((browser, index) =>
        browser.load(async (request) => {
          const session = renderer.session(request);
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
          const [answer, user] = await Promise.all([session.fetch("sessions/"), session.user()]);
          shown[index] = [user?.username ?? null, answer.status];
          return session.setCookies;
        }),
      ),
    );
    assert.deepEqual(shown, names.map((name) => [name, name ? 200 : 401]));
    if (round === 2) browsers.forEach(expire);
  }
});

test("requests of one visitor at the same time, in whatever process, keep one session", async (t) => {
  const browser = await signedIn(t);
  for (let round = 0; round < 2; round += 1) {
    const renderers = Array.from({ length: 8 }, () => new Renderer());
    await Promise.all(renderers.map((renderer) => browser.load(renderer.page)));
    for (const { shown } of renderers) assert.deepEqual(shown, { name: "alice", status: 200 });
    expire(browser);
  }
  assert.equal((await browser.client.refresh()).claims.username, "alice");
});

test("a request that is stuck holds up no other", async (t) => {
  const browser = await signedIn(t);
  const other = await signedIn(t, BOB);
  const renderer = new Renderer();
  let release;
  const stuck = (go) => new Promise((resolve) => (release = resolve)).then(go);
  renderer.faults.set("browser/refresh/", stuck);
  const slow = browser.load(renderer.page);
  await until(() => release);

  for (const visitor of [browser, other]) await visitor.load(renderer.page);
  assert.equal(renderer.shown.name, "bob");

  expire(other);
  await other.load(async (request) => {
    const session = renderer.session(request, { timeout: 0.05, fetch: () => new Promise(() => {}) });
    await assert.rejects(session.user(), { code: "no_answer" });
    return [];
  });
  release();
  await slow;
});

test("an API that redirects is told at once", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  const login = { status: 302, headers: { Location: "https://sso.example/login?next=/api/" } };
  renderer.faults.set("browser/refresh/", async () => new Response(null, login));
  await browser.load(async (request) => {
    const wanted = { code: "redirected", message: /to https:\/\/sso\.example\/login.*baseUrl/ };
    await assert.rejects(renderer.session(request).user(), wanted);
    return [];
  });
  assert.equal(renderer.asked.length, 1);
});

for (const where of ["ahead", "behind"]) {
  test(`a clock that is 400 days ${where} changes nothing`, async (t) => {
    const browser = await signedIn(t);
    const renderer = new Renderer();
    wind(t, (where === "ahead" ? 400 : -400) * 86_400);
    for (let times = 0; times < 3; times += 1) {
      await browser.load(renderer.page);
      assert.deepEqual(renderer.shown, { name: "alice", status: 200 });
      if (times === 1) expire(browser);
    }
    assert.equal(renderer.count("browser/refresh/"), 2);
  });
}

test("a page token is believed by the API, or not at all", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  await browser.load(renderer.page);
  const [head, body, signature] = browser.cookies.get(PAGE).split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url"));
  const forged = Buffer.from(JSON.stringify({ ...claims, username: "admin", role: "admin" }));
  browser.cookies.set(PAGE, [head, forged.toString("base64url"), signature].join("."));

  await browser.load(async (request) => {
    const session = renderer.session(request);
    const user = await session.user();
    assert.deepEqual([user.username, user.role], ["alice", "user"]);
    assert.equal((await session.fetch("protected/")).status, 200);
    return session.setCookies;
  });
  for (const rubbish of ["x", "a.b.c", "a.e30.c", "..", "%", "", "é", `x${"y".repeat(3000)}`]) {
    browser.cookies.set(PAGE, encodeURIComponent(rubbish));
    await browser.load(renderer.page);
    assert.deepEqual(renderer.shown, { name: "alice", status: 200 });
  }
});

test("signed out in the page is signed out on the server, at once", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  await browser.load(renderer.page);
  await browser.client.logout();
  assert.ok(browser.cookies.has(PAGE), "the API takes back its own cookies only");
  await browser.load(renderer.page);
  assert.deepEqual(renderer.shown, { name: null, status: 401 });

  await browser.client.login(BOB);
  await browser.load(renderer.page);
  assert.deepEqual(renderer.shown, { name: "bob", status: 200 });

  // Of another session, however new it is.
  const alice = await signedIn(t);
  await alice.load(renderer.page);
  browser.cookies.set(PAGE, alice.cookies.get(PAGE));
  await browser.load(renderer.page);
  assert.deepEqual(renderer.shown, { name: "bob", status: 200 });
});

test("ended from another device, the page is nobody's, and the cookies are left alone", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  await browser.load(renderer.page);
  const other = (await signedIn(t)).client;
  const { sid } = browser.client.session.claims;
  await other.sessions.end(sid);
  const before = new Map(browser.cookies);

  await browser.load(renderer.page);

  assert.deepEqual(renderer.shown, { name: null, status: 401 });
  assert.deepEqual(browser.cookies, before);
});

test("a step up in the page is known to the next one", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  await browser.load(renderer.page);
  await new Promise((resolve) => setTimeout(resolve, 1000)); // tokens have whole seconds
  const { claims } = await browser.client.stepUp({ password: ALICE.password });
  await browser.load(async (request) => {
    const session = renderer.session(request);
    assert.equal((await session.user()).auth_time, claims.auth_time);
    return session.setCookies;
  });
});

test("a token that the API refuses is replaced once, and the request sent again whole", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  await browser.load(renderer.page);
  const refused = async () =>
    new Response(null, {
      status: 401,
      headers: { "WWW-Authenticate": 'Bearer realm="api", error="invalid_token"' },
    });
  renderer.faults.set("posts/create/", refused);
  await browser.load(async (request) => {
    const session = renderer.session(request);
    const post = { title: "From a server", body: "once" };
    const answer = await session.fetch("posts/create/", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(post),
    });
    assert.equal(answer.status, 201);
    assert.equal((await answer.json()).author, "alice");
    renderer.faults.set("protected/", refused);
    assert.equal((await session.fetch("protected/")).status, 401);
    return session.setCookies;
  });
  assert.equal(renderer.count("browser/refresh/"), 2);
});

test("what another origin sends by POST is nobody's", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  const { host } = new URL(ORIGIN);
  const nameFor = async (headers, method = "POST") => {
    await browser.load(renderer.page, { method, headers });
    return renderer.shown.name;
  };
  assert.equal(await nameFor({ "Sec-Fetch-Site": "same-origin" }), "alice");
  for (const site of ["same-site", "cross-site", "none"]) {
    assert.equal(await nameFor({ "Sec-Fetch-Site": site }), null);
    assert.equal(await nameFor({ "Sec-Fetch-Site": site }, "DELETE"), null);
    // A link: the browser decides by SameSite=Strict.
    assert.equal(await nameFor({ "Sec-Fetch-Site": site }, "GET"), "alice");
  }
  const withOrigin = async (origin, at = host) => {
    const cookies = [...browser.cookies].map((pair) => pair.join("=")).join("; ");
    const headers = { cookie: cookies, host: at, ...(origin && { origin }) };
    // As Node's own request has it.
    return (await renderer.session({ method: "POST", headers }).user())?.username ?? null;
  };
  assert.equal(await withOrigin("https://evil.example"), null);
  assert.equal(await withOrigin("null"), null);
  assert.equal(await withOrigin(undefined), null);
  assert.equal(await withOrigin(`http://${host}.evil.example`), null);
  assert.equal(await withOrigin(`http://${host}`), "alice");
});

test("what handles the request next finds the cookies as they are now", async (t) => {
  const browser = await signedIn(t);
  browser.cookies.set("theme", "dark=1");
  const renderer = new Renderer();
  await browser.load(async (request) => {
    const session = renderer.session(request);
    await session.accessToken();
    const headers = new Headers(request.headers);
    session.forwardTo(headers);
    assert.match(headers.get("Cookie"), /\btheme=dark=1; /);

    const inner = renderer.session({ headers }, { readOnly: true });
    assert.equal((await inner.user()).username, "alice");
    assert.deepEqual(inner.setCookies, []);
    return session.setCookies;
  });
  assert.equal(renderer.count("browser/refresh/"), 1);

  const foreign = { method: "POST", headers: { "Sec-Fetch-Site": "same-site" } };
  await browser.load(async (request) => {
    const session = renderer.session(request);
    const headers = new Headers(request.headers);
    session.forwardTo(headers);
    assert.match(headers.get("Cookie"), /\btheme=dark=1$/);
    assert.doesNotMatch(headers.get("Cookie"), /ratchet/);
    return session.setCookies;
  }, foreign);
});

test("where no cookie can be set, nothing is refreshed", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  const readOnly = { readOnly: true };
  const wanted = { name: "RatchetError", code: "setup", message: /matcher/ };
  await browser.load(async (request) => {
    const session = renderer.session(request, readOnly);
    await assert.rejects(session.user(), wanted);
    await assert.rejects(session.fetch("protected/"), wanted);
    return [];
  });
  await browser.load(renderer.page);
  const { sid } = browser.client.session.claims;
  await (await signedIn(t)).client.sessions.end(sid);
  await browser.load(async (request) => {
    const session = renderer.session(request, readOnly);
    assert.equal((await session.fetch("protected/")).status, 401);
    assert.equal(await session.user(), null);
    return [];
  });
  expire(browser);
  await browser.load(async (request) => {
    const session = renderer.session(request);
    assert.equal(await session.accessToken(), null);
    const headers = new Headers(request.headers);
    session.forwardTo(headers);
    assert.equal(await renderer.session({ headers }, readOnly).user(), null);
    return session.setCookies;
  });
  assert.equal(renderer.count("browser/refresh/"), 2);
  await new Browser(t).load(async (request) => {
    assert.equal(await renderer.session(request, readOnly).user(), null);
    return [];
  });
});

test("caches are told that the page is one visitor's", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  await browser.load(async (request) => {
    const session = renderer.session(request);
    const headers = new Headers({ "Cache-Control": "s-maxage=60", Vary: "Accept" });
    session.applyTo(headers);
    assert.equal(headers.get("Cache-Control"), "s-maxage=60", "nobody asked who it is");

    await session.user();
    session.applyTo(headers);
    assert.equal(headers.get("Cache-Control"), "private, no-store");
    assert.equal(headers.get("Vary"), "Accept, Cookie");
    assert.deepEqual(headers.getSetCookie(), session.setCookies);
    return session.setCookies;
  });
  await new Browser(t).load(async (request) => {
    const session = renderer.session(request);
    await session.user();
    const headers = new Headers({ "Cache-Control": "s-maxage=60" });
    session.applyTo(headers);
    assert.equal(headers.get("Cache-Control"), "s-maxage=60");
    assert.equal(headers.get("Vary"), "Cookie");
    return session.setCookies;
  });
});

test("the API learns of the visitor, and another origin learns nothing", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  const visitor = { "User-Agent": "Firefox of alice", "Accept-Language": "de" };
  const headers = { "X-Forwarded-For": "192.0.2.7" };
  await browser.load(
    async (request) => {
      const session = renderer.session(request, { headers });
      const devices = await (await session.fetch("sessions/")).json();
      assert.equal(devices.find((device) => device.current).user_agent, "Firefox of alice");
      renderer.asked.length = 0;
      await session.fetch("posts/");
      await assert.rejects(session.fetch("http://127.0.0.1:9/elsewhere"));
      return session.setCookies;
    },
    { headers: visitor },
  );
  const [api, elsewhere] = renderer.asked;
  assert.equal(api.headers.get("X-Forwarded-For"), "192.0.2.7");
  assert.equal(api.headers.get("Accept-Language"), "de");
  assert.equal(api.headers.get("Cookie"), null);
  assert.equal(api.cache, "no-store");
  assert.deepEqual([...elsewhere.headers], []);
});

test("an API that does not answer is an error, once, and nobody is signed out", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  const down = (request) => renderer.session(request, { baseUrl: "http://127.0.0.1:9/api/" });
  await browser.load(async (request) => {
    const session = down(request);
    const wanted = { name: "RatchetError", code: "no_answer", isTransient: true };
    await assert.rejects(session.user(), wanted);
    await assert.rejects(session.fetch("protected/"), wanted);
    await assert.rejects(session.accessToken(), wanted);
    assert.deepEqual(session.setCookies, []);
    return [];
  });
  assert.equal(renderer.asked.length, 2, "one refresh, tried twice");
  await browser.load(renderer.page);
  assert.equal(renderer.shown.name, "alice");
});

test("no error and no printout shows a token", async (t) => {
  const browser = await signedIn(t);
  const renderer = new Renderer();
  const secrets = new Set(browser.cookies.values());
  const texts = [];
  const print = (value) => {
    const options = { depth: 20, showHidden: true, getters: false };
    texts.push(inspect(value, options), JSON.stringify(value), String(value), value.stack ?? "");
  };
  const answers = {
    lost: async () => Promise.reject(new TypeError("fetch failed")),
    html: async () => new Response("<h1>Hello</h1>"),
    redirect: async () => new Response(null, { status: 302, headers: { Location: "/x/" } }),
    "no tokens": async () => Response.json({}),
    "of cookies": async () => Response.json({ expires_in: 300 }),
    busy: async () => Response.json({ detail: "Busy", code: "throttled" }, { status: 429 }),
    broken: async () => new Response("", { status: 500 }),
  };
  for (const fetch of Object.values(answers)) {
    await browser.load(async (request) => {
      const session = renderer.session(request, { fetch });
      const error = await session.user().then(() => assert.fail("no error"), (error) => error);
      assert.ok(error instanceof RatchetError, String(error));
      print(error);
      print(session);
      return [];
    });
  }
  await browser.load(async (request) => {
    const session = renderer.session(request);
    await session.user();
    for (const cookie of session.setCookies) secrets.add(/=([^;]*)/.exec(cookie)[1]);
    print(session);
    return session.setCookies;
  });
  for (const text of texts.filter(Boolean)) {
    for (const secret of secrets) assert.ok(!text.includes(secret), text);
  }
  assert.ok(secrets.size >= 5);
});

test("an address that is not complete is an error, whatever the request says", () => {
  const request = new Request("https://visitor.example/", { headers: { Cookie: "a=b" } });
  const wanted = { name: "RatchetError", code: "setup", message: /https:/ };
  for (const baseUrl of [undefined, "/api/", ""]) {
    assert.throws(() => createServerSession({ request, baseUrl }), wanted);
  }
});

test("by default the cookies are those that no subdomain can set", async () => {
  const cookies = ["refresh-token=a.b.c", "refresh-key=k", "page-token=d.e.f"];
  const tossed = cookies.map((cookie) => `ratchet-${cookie}`);
  const ours = cookies.map((cookie) => `__Host-ratchet-${cookie}`);
  const sent = [];
  const fetch = async (url, { headers }) => {
    sent.push(headers.get("Cookie"));
    return Response.json(
      { access: "a.e30.c", expires_in: 300 },
      { headers: [["Set-Cookie", "__Host-ratchet-refresh-token=g; Path=/"], ["Set-Cookie", "x=y"]] },
    );
  };
  const sessionOf = (...given) => {
    const request = { headers: { cookie: given.join("; ") } };
    return createServerSession({ request, baseUrl: `${ORIGIN}/api/`, fetch });
  };

  assert.equal(await sessionOf(...tossed).user(), null);
  assert.deepEqual(sent, []);

  const session = sessionOf(...tossed, ...ours);
  assert.ok(await session.user());
  assert.deepEqual(sent, [ours.join("; ")]);
  assert.deepEqual(session.setCookies, [
    "__Host-ratchet-refresh-token=g; Path=/",
    "__Host-ratchet-page-token=a.e30.c; Max-Age=290; Path=/; HttpOnly; SameSite=Strict; Secure",
  ]);
});

test("2,000 sessions that were used and dropped are collected", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const answer = async () => Response.json({ access: "a.e30.c", expires_in: 300 });
  const sessions = [];
  for (let count = 0; count < 2000; count += 1) {
    const request = { headers: { cookie: `__Host-${REFRESH}=${count}` } };
    const session = createServerSession({ request, baseUrl: `${ORIGIN}/api/`, fetch: answer });
    assert.ok(await session.user());
    sessions.push(new WeakRef(session));
  }
  for (let times = 0; times < 10; times += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }
  const alive = sessions.filter((session) => session.deref());
  assert.ok(alive.length < 5, `${alive.length} of 2000 are still there`);
});
