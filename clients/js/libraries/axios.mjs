/** drf-ratchet/axios with the real axios, and each of its adapters that Node has. */

import assert from "node:assert/strict";
import { test } from "node:test";

import axios, { getAdapter } from "axios";
import { attach } from "drf-ratchet/axios";

import { ALICE, BOB, Browser, ORIGIN, wind } from "../test/browser.js";

/** An instance of axios for that tab, and what it has sent. */
function attached(tab, { how = "http", damaged = 0, ...options } = {}) {
  const sent = [];
  const adapter = async (config) => {
    const authorization = config.headers.get("Authorization") ?? null;
    sent.push({ url: config.url, authorization, data: config.data });
    if (sent.length <= damaged) config.headers.set("Authorization", `${authorization}x`);
    return getAdapter(how)(config);
  };
  const api = axios.create({ baseURL: `${ORIGIN}/api/`, adapter, ...options });
  const detach = attach(api, tab);
  return { api, sent, detach };
}

for (const how of ["http", "fetch"]) {
  test(`${how}: requests carry the token, and a form is JSON`, async (t) => {
    const { api, sent } = attached(await new Browser(t).signedInTab(), { how });

    assert.equal((await api.get("protected/")).data.message, "This is a protected view!");
    const { status, data } = await api.post("posts/create/", { title: "By axios", body: "…" });

    assert.deepEqual([status, data.author], [201, "alice"]);
    assert.ok(sent.every(({ authorization }) => authorization.startsWith("Bearer ")));
    await api.delete(`posts/${data.id}/`);
  });

  test(`${how}: a token that has run out is refreshed first, once for all`, async (t) => {
    const browser = new Browser(t);
    const { api } = attached(await browser.signedInTab(), { how });
    wind(t, 300);

    const answers = await Promise.all(Array.from({ length: 20 }, () => api.get("protected/")));

    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(browser.refreshes.length, 1);
  });

  test(`${how}: a token that is refused is refreshed, and the body sent again`, async (t) => {
    const browser = new Browser(t);
    const { api, sent } = attached(await browser.signedInTab(), { how, damaged: 1 });

    const { data } = await api.post("posts/create/", { title: "Twice", body: "…" });

    assert.equal(data.title, "Twice");
    assert.equal(sent.length, 2);
    assert.equal(sent[0].data, sent[1].data);
    assert.equal(browser.refreshes.length, 1);
    await api.delete(`posts/${data.id}/`);
  });
}

test("a token that is refused twice is axios's own error", async (t) => {
  const { api, sent } = attached(await new Browser(t).signedInTab(), { damaged: 9 });

  await assert.rejects(api.get("protected/"), (error) => {
    assert.ok(axios.isAxiosError(error));
    assert.equal(error.response.status, 401);
    assert.equal(error.response.data.code, "token_not_valid");
    return true;
  });
  assert.equal(sent.length, 2);
});

for (const how of ["http", "fetch"]) {
  test(`${how}: no error and no answer carries the token into a log or a retry`, async (t) => {
    const browser = new Browser(t);
    const { api, sent } = attached(await browser.signedInTab(), { how });
    const retry = { retries: 0 };
    api.interceptors.response.use(undefined, (error) => {
      if (retry.retries++) throw error;
      wind(t, 300); // by the time a library tries again, the token has run out
      return api(error.config);
    });

    const answer = await api.get("protected/");
    assert.equal(answer.config.headers.has("Authorization"), false);
    await assert.rejects(api.get("nowhere/"), (error) => {
      assert.doesNotMatch(JSON.stringify(error.toJSON()), /Bearer/);
      return error.response.status === 404;
    });

    assert.equal(sent.length, 3);
    assert.ok(sent.every(({ authorization }) => authorization.startsWith("Bearer ")));
    assert.equal(browser.refreshes.length, 1, "the retry has a new token");
  });
}

test("with a validateStatus of the caller's own it is an answer", async (t) => {
  const options = { damaged: 9, validateStatus: () => true };
  const { api, sent } = attached(await new Browser(t).signedInTab(), options);

  assert.equal((await api.get("protected/")).status, 401);
  assert.equal(sent.length, 2);
});

test("where nobody is signed in, requests go out as they are", async (t) => {
  const { api, sent } = attached(new Browser(t).tab());

  assert.equal((await api.get("posts/")).status, 200);
  await assert.rejects(api.get("protected/"), ({ response }) => response.status === 401);
  assert.deepEqual(sent.map(({ authorization }) => authorization), [null, null]);
});

test("what one user meant is not sent as another", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE);
  const { api, sent } = attached(tab);
  await browser.elsewhere().login(BOB);
  wind(t, 300);

  await assert.rejects(api.post("posts/create/", { title: "Mine" }), { code: "user_changed" });

  assert.equal(sent.length, 0);
});

test("no other origin gets the token, and an Authorization of one's own stays", async (t) => {
  const { api, sent } = attached(await new Browser(t).signedInTab());

  await api.get("http://localhost:9/").catch(() => {});
  await api.get("protected/", { headers: { Authorization: "Bearer mine" } }).catch(() => {});

  assert.deepEqual(sent.map(({ authorization }) => authorization), [null, "Bearer mine"]);
});

test("a request with an adapter of its own is signed too", async (t) => {
  const { api, sent } = attached(await new Browser(t).signedInTab());

  assert.equal((await api.get("protected/", { adapter: "fetch" })).status, 200);

  assert.equal(sent.length, 0, "not by the adapter of the instance");
});

test("an AbortSignal ends the wait for a refresh", async (t) => {
  const browser = new Browser(t);
  const { api } = attached(await browser.signedInTab());
  wind(t, 300);
  browser.goOffline();
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);

  await assert.rejects(api.get("protected/", { signal: stop.signal }), axios.isCancel);
});

test("once it is detached, nothing is signed", async (t) => {
  const { api, sent, detach } = attached(await new Browser(t).signedInTab());
  detach();

  await assert.rejects(api.get("protected/"), ({ response }) => response.status === 401);
  assert.equal(sent[0].authorization, null);
});
