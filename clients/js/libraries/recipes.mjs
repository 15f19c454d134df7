/** The modules of docs/howto/javascript-libraries.md, as they are there, with the real libraries. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";

import { ALICE, BOB, Browser, ORIGIN, unreachable, until, wind } from "../test/browser.js";

const PAGE = process.env.RECIPES ?? new URL("../../../docs/howto/javascript-libraries.md", import.meta.url);
const text = await readFile(PAGE, "utf8");
const blocks = Object.fromEntries(
  [...text.matchAll(/^```js\n\/\/ (\S+)\n(.*?)^```/gms)].map(([, name, code]) => [name, code]),
);

/** Import a module of the page, with a tab of that browser for its client. */
async function recipe(t, name, tab) {
  assert.ok(blocks[name], `${name} is on the page`);
  const folder = await mkdtemp(new URL("recipe-", import.meta.url));
  t.after(() => rm(folder, { recursive: true }));
  globalThis.tabOfRecipe = tab;
  await writeFile(`${folder}/client.js`, "export const client = globalThis.tabOfRecipe;\n");
  // There is no page here that an address could lead from.
  await writeFile(`${folder}/${name}`, blocks[name].replaceAll('"/api/', `"${ORIGIN}/api/`));
  return import(`${folder}/${name}`);
}

test("the client that all of them use is one that there is", () => {
  assert.match(blocks["client.js"], /createClient\(\{ baseUrl: "\/api\/" \}\)/);
});

test("an app keeps its session in what its system has for secrets", async (t) => {
  const [, block] = /^```js\n(import \* as SecureStore.*?)^```/ms.exec(text);
  const folder = await mkdtemp(new URL("recipe-", import.meta.url));
  t.after(() => rm(folder, { recursive: true }));
  // Expo's own needs a telephone. What it takes for a name is what the real one takes.
  await writeFile(
    `${folder}/expo-secure-store.js`,
    `const items = new Map();
    const checked = (name) => {
      if (!/^[\\w.-]+$/.test(name)) throw new Error("Invalid key");
      return name;
    };
    export const getItemAsync = async (name) => items.get(checked(name)) ?? null;
    export const setItemAsync = async (name, value) => {
      if (value.length > 2048) throw new Error("Too long");
      items.set(checked(name), value);
    };
    export const deleteItemAsync = async (name) => void items.delete(checked(name));
    `,
  );
  const app = block
    .replace('"expo-secure-store"', '"./expo-secure-store.js"')
    .replace("https://shop.example/api/", `${ORIGIN}/api/`);
  await writeFile(`${folder}/app.js`, app);
  const { client } = await import(`${folder}/app.js`);
  const again = await import(`${folder}/app.js?again`);
  t.after(() => [client, again.client].forEach((one) => one.close()));

  await client.login(ALICE);
  assert.equal((await again.client.restore()).claims.username, "alice");
  assert.equal((await again.client.fetch("protected/")).status, 200);
  await again.client.logout();
  await client.refresh();
  assert.equal(client.session, null);
});

/** For each library: read a view that wants a token, and write. */
const FETCHING = {
  "axios.js": {
    read: async ({ api }) => (await api.get("protected/")).data,
    write: async ({ api }, body) => (await api.post("posts/create/", body)).data,
  },
  "ky.js": {
    read: ({ api }) => api.get("protected/").json(),
    write: ({ api }, json) => api.post("posts/create/", { json }).json(),
    put: ({ api }, json) => api.put("posts/1/", { json }).json(),
  },
  "openapi.js": {
    read: async ({ api }) => (await api.GET("/protected/")).data,
    write: async ({ api }, body) => (await api.POST("/posts/create/", { body })).data,
  },
  "queries.js": {
    read: ({ queries, json }) =>
      queries.fetchQuery({
        queryKey: ["protected"],
        queryFn: () => json(`${ORIGIN}/api/protected/`),
      }),
    write: ({ json }, body) =>
      json(`${ORIGIN}/api/posts/create/`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }),
  },
  "store.js": {
    read: async ({ store, api }) => {
      const { data } = await store.dispatch(api.endpoints.posts.initiate());
      return data && { message: "This is a protected view!" };
    },
    write: ({ store, api }, body) =>
      store.dispatch(api.endpoints.createPost.initiate(body)).unwrap(),
  },
};

for (const [name, { read, write }] of Object.entries(FETCHING)) {
  test(`${name}: reads and writes with the token`, async (t) => {
    const browser = new Browser(t);
    const tab = await browser.signedInTab();
    const module = await recipe(t, name, tab);

    assert.deepEqual(await read(module), { message: "This is a protected view!" });
    const post = await write(module, { title: `With ${name}`, body: "…" });

    assert.equal(post.author, "alice");
    await tab.fetch(`${ORIGIN}/api/posts/${post.id}/`, { method: "DELETE" });
  });

  test(`${name}: a token that has run out is refreshed first`, async (t) => {
    const browser = new Browser(t);
    const tab = await browser.signedInTab();
    const module = await recipe(t, name, tab);
    wind(t, 300);

    const post = await write(module, { title: "Late", body: "…" });

    assert.equal(browser.refreshes.length, 1);
    await tab.fetch(`${ORIGIN}/api/posts/${post.id}/`, { method: "DELETE" });
  });

  test(`${name}: what one user meant is not sent as another`, async (t) => {
    const browser = new Browser(t);
    const tab = await browser.signedInTab(ALICE);
    const module = await recipe(t, name, tab);
    await browser.elsewhere().login(BOB);
    wind(t, 300);
    const titles = async () => {
      const { results } = await (await fetch(`${ORIGIN}/api/posts/`)).json();
      return results.map(({ title }) => title);
    };

    await assert.rejects(
      async () => write(module, { title: `Not ${name}`, body: "…" }),
      // RTK Query aborts what it forgets.
      ({ name, code }) => code === "user_changed" || name === "AbortError",
    );

    assert.equal(browser.sent("posts/create/").length, 0);
    assert.ok(!(await titles()).includes(`Not ${name}`));
  });
}

test("ky.js: what changes something is not tried again by the library", async (t) => {
  const tab = await new Browser(t).signedInTab(ALICE);
  const { api } = await recipe(t, "ky.js", tab);
  let times = 0;
  const failing = api.extend({
    fetch: async () => {
      times += 1;
      throw new TypeError("fetch failed");
    },
  });

  await assert.rejects(failing.put("posts/1/", { json: {} }));

  assert.equal(times, 1);
});

test("queries.js: what is on the page goes with its user, and what waits is not sent", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab(ALICE); // before the module is loaded
  const { queries } = await recipe(t, "queries.js", tab);
  const { MutationObserver, QueryObserver, onlineManager } = await import("@tanstack/query-core");
  queries.mount();
  t.after(() => queries.unmount());
  const seen = [];
  const queryFn = () => tab.session.claims.username;
  const shown = new QueryObserver(queries, { queryKey: ["me"], queryFn });
  t.after(shown.subscribe(({ data }) => seen.push(data)));
  await until(() => seen.at(-1) === "alice");
  const sent = [];
  onlineManager.setOnline(false);
  t.after(() => onlineManager.setOnline(true));
  const mutation = new MutationObserver(queries, { mutationFn: () => sent.push("alice's") });
  mutation.mutate();
  onlineManager.setOnline(false);

  await tab.login(BOB);
  onlineManager.setOnline(true);
  await until(() => seen.at(-1) === "bob");

  assert.deepEqual([...new Set(seen.slice(seen.lastIndexOf("alice") + 1))], [undefined, "bob"]);
  assert.deepEqual(sent, []);
});

test("queries.js: what one user has read is forgotten with them, and not at a refresh", async (t) => {
  const browser = new Browser(t);
  const tab = browser.tab();
  const { queries } = await recipe(t, "queries.js", tab);
  await tab.login(ALICE);
  queries.setQueryData(["mine"], "alice's");

  await tab.refresh();
  assert.equal(queries.getQueryData(["mine"]), "alice's");
  await tab.login(BOB);
  assert.equal(queries.getQueryData(["mine"]), undefined);
  queries.setQueryData(["mine"], "bob's");
  await tab.logout();
  assert.equal(queries.getQueryData(["mine"]), undefined);
});

test("store.js: what one user has read is forgotten with them, and not at a refresh", async (t) => {
  const browser = new Browser(t);
  const tab = browser.tab();
  const { store, api } = await recipe(t, "store.js", tab);
  const read = () => api.endpoints.posts.select()(store.getState()).data;
  await tab.login(ALICE);
  await store.dispatch(api.endpoints.posts.initiate());

  await tab.refresh();
  assert.ok(read());
  await tab.login(BOB);
  assert.equal(read(), undefined);
});

test("vue.js: a composable", async (t) => {
  const browser = new Browser(t);
  const tab = browser.tab();
  const { useSession } = await recipe(t, "vue.js", tab);
  const { effectScope, nextTick, watchEffect } = await import("vue");
  const seen = [];
  const scope = effectScope();
  scope.run(() => {
    const { session } = useSession();
    watchEffect(() => seen.push(session.value === undefined ? "…" : session.value?.claims.username));
  });

  await until(() => seen.length === 2);
  await tab.login(ALICE);
  await nextTick();
  await browser.tab().login(BOB);
  await until(() => seen.at(-1) === "bob");
  scope.stop();
  await tab.logout();
  await nextTick();

  assert.deepEqual(seen, ["…", undefined, "alice", "bob"]);
});

test("session.js: a Svelte store", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab()).close();
  const tab = browser.tab();
  const { signedIn } = await recipe(t, "session.js", tab);
  const seen = [];
  const stop = signedIn.subscribe(({ session }) =>
    seen.push(session === undefined ? "…" : session?.claims.username),
  );

  await until(() => seen.includes("alice"));
  await tab.logout();
  stop();
  await tab.login(BOB);

  assert.deepEqual([...new Set(seen)], ["…", "alice", undefined]);
});

test("vue.js and session.js: an unknown session is an error, until it is known", async (t) => {
  const browser = new Browser(t);
  const tab = browser.tab({ patience: 0 });
  browser.fault("browser/session/", unreachable);
  const { useSession } = await recipe(t, "vue.js", tab);
  const { effectScope } = await import("vue");
  const scope = effectScope();
  t.after(() => scope.stop());
  const { session, error } = scope.run(useSession);
  await until(() => error.value);
  assert.deepEqual([session.value, error.value.code], [undefined, "no_answer"]);

  browser.fault("browser/session/", unreachable);
  const { signedIn } = await recipe(t, "session.js", tab);
  let now;
  t.after(signedIn.subscribe((state) => (now = state)));
  await until(() => now.error);
  assert.deepEqual([now.session, now.error.code], [undefined, "no_answer"]);

  await tab.login(ALICE);
  assert.deepEqual([session.value.claims.username, error.value], ["alice", null]);
  assert.deepEqual([now.session.claims.username, now.error], ["alice", null]);
});
