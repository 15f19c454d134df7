/** drf-ratchet/react with the real React, in jsdom. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";

import { transform } from "esbuild";

import { page, shown, untilActed } from "./rendering.js";
import { ALICE, BOB, Browser, answered, unreachable } from "../test/browser.js";

// After rendering.js, which has made a window.
const React = await import("react");
const { hydrateRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
const { useClient, useSession } = await import("drf-ratchet/react");
const { Component, Suspense, act, createElement: h, useState } = React;

/** What it says at each rendering. */
function Who({ seen }) {
  const { session, isLoading, error } = useSession();
  const words = isLoading ? "…" : error ? error.code : (session?.claims.username ?? "nobody");
  seen?.push(words);
  return h("b", {}, words);
}

test("it is not known, then it is", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab()).close();
  browser.requests.length = 0;
  const seen = [];
  const { text } = await shown(t, page(browser.tab(), h(Who, { seen }), h(Who)));

  assert.equal(seen[0], "…");
  await untilActed(() => text() === "alicealice");

  assert.equal(browser.sent("browser/session/").length, 1, "found out once, in StrictMode too");
  assert.equal(browser.refreshes.length, 1);
  assert.deepEqual([...new Set(seen)], ["…", "alice"]);
});

test("nobody is an answer too", async (t) => {
  const { text } = await shown(t, page(new Browser(t).tab(), h(Who)));
  await untilActed(() => text() === "nobody");
});

test("a sign-in and a sign-out show, from whatever tab they come", async (t) => {
  const browser = new Browser(t);
  const [tab, other] = [browser.tab(), browser.tab()];
  const { text } = await shown(t, page(tab, h(Who)));
  await untilActed(() => text() === "nobody");

  await act(() => tab.login(ALICE));
  assert.equal(text(), "alice");
  await act(() => other.login(BOB));
  await untilActed(() => text() === "bob");
  await act(() => other.logout());
  await untilActed(() => text() === "nobody");
});

test("every component shows the same at any time", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const torn = [];
  function Both() {
    const [one, other] = [useSession(), useSession()];
    if (one !== other) torn.push([one, other]);
    return h("i", {}, one.session?.claims.username);
  }
  const { text } = await shown(t, page(tab, h(Both), h(Both)));
  for (const user of [BOB, ALICE, BOB]) await act(() => tab.login(user));

  assert.equal(text(), "bobbob");
  assert.deepEqual(torn, []);
});

test("a component that suspends loses nothing, and asks nothing twice", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab()).close();
  browser.requests.length = 0;
  let wake;
  const slow = new Promise((resolve) => (wake = resolve));
  let over = false;
  slow.then(() => (over = true));
  function Slow() {
    const { session } = useSession();
    if (!over) throw slow;
    return h("i", {}, session?.claims.username ?? "…");
  }
  const waiting = h(Suspense, { fallback: "wait " }, h(Slow));
  const { text } = await shown(t, page(browser.tab(), waiting, h(Who)));
  await untilActed(() => text() === "wait alice");
  await act(async () => wake());

  assert.equal(text(), "alicealice");
  assert.equal(browser.sent("browser/session/").length, 1);
});

test("a component that comes later knows at once what the others know", async (t) => {
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const seen = [];
  let open;
  function Door() {
    const [isOpen, setOpen] = useState(false);
    open = () => setOpen(true);
    return isOpen ? h(Who, { seen }) : null;
  }
  await shown(t, page(tab, h(Door)));
  await tab.login(BOB); // while no component listens

  await act(async () => open());

  assert.deepEqual([...new Set(seen)], ["bob"]);
});

test("what cannot be found out is told, and can be tried again", async (t) => {
  const browser = new Browser(t);
  (await browser.signedInTab()).close();
  browser.fault("browser/session/", unreachable);
  browser.fault("browser/session/", answered(404));
  let state;
  function State() {
    state = useSession();
    return null;
  }
  const { text } = await shown(t, page(browser.tab({ patience: 0 }), h(Who), h(State)));
  await untilActed(() => text() === "no_answer");
  await act(() => state.retry());
  assert.equal(text(), "error");

  await act(() => state.retry());
  await untilActed(() => text() === "alice");
  assert.equal(state.error, null);
});

test("a client is handed down, and missed where there is none", async (t) => {
  const tab = new Browser(t).tab();
  let found;
  function Form() {
    found = useClient();
    return null;
  }
  await shown(t, page(tab, h(Form)));
  assert.equal(found, tab);

  class Caught extends Component {
    state = {};
    static getDerivedStateFromError = (error) => ({ words: error.message });
    render() {
      return this.state.words ?? this.props.children;
    }
  }
  t.mock.method(console, "error", () => {});
  const { text } = await shown(t, h(Caught, {}, h(Who)));
  assert.match(text(), /SessionProvider/);
});

test("a server renders nobody's page, and it is hydrated without complaint", async (t) => {
  const complaints = t.mock.method(console, "error", () => {});
  const browser = new Browser(t);
  const tab = await browser.signedInTab();
  const element = page(tab, h(Who));
  const place = document.body.appendChild(document.createElement("div"));
  place.innerHTML = renderToString(element);
  assert.equal(place.textContent, "…", "also where the server's client knows somebody");

  const recovered = [];
  const root = await act(async () =>
    hydrateRoot(place, element, { onRecoverableError: (error) => recovered.push(error) }),
  );
  t.after(() => act(() => root.unmount()));

  assert.equal(place.textContent, "alice");
  assert.deepEqual(recovered, []);
  assert.equal(complaints.mock.callCount(), 0);
});

test("once nothing shows it, the client is let go", async (t) => {
  const tab = await new Browser(t).signedInTab();
  let listening = 0;
  const { onChange } = tab;
  const counted = Object.create(tab, {
    session: { get: () => tab.session },
    onChange: {
      value: (listener) => {
        listening += 1;
        const stop = onChange(listener);
        return () => {
          listening -= 1;
          stop();
        };
      },
    },
  });
  const { root } = await shown(t, page(counted, h(Who), h(Who)));
  assert.equal(listening, 1);
  await act(async () => root.unmount());
  assert.equal(listening, 0);
});

test("the component of the page of recipes", async (t) => {
  const page = process.env.RECIPES ?? new URL("../../../docs/howto/javascript-libraries.md", import.meta.url);
  const [, block] = /^```jsx\n(.*?)^```/ms.exec(await readFile(page, "utf8"));
  const { code } = await transform(block, { loader: "jsx", jsx: "automatic", format: "esm" });
  const folder = await mkdtemp(new URL("recipe-", import.meta.url));
  t.after(() => rm(folder, { recursive: true }));
  globalThis.tabOfRecipe = await new Browser(t).signedInTab();
  await writeFile(`${folder}/client.js`, "export const client = globalThis.tabOfRecipe;\n");
  await writeFile(`${folder}/app.js`, code);
  const { default: App } = await import(`${folder}/app.js`);

  const { place, text } = await shown(t, h(App));
  assert.equal(text(), "Sign out alice");
  await act(async () => place.querySelector("button").click());
  await untilActed(() => text() === "Sign in");
});
