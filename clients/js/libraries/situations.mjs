/** The situations of docs/clients.md with axios and with React. Workers are tried in Chromium. */

import assert from "node:assert/strict";
import { test } from "node:test";

import axios, { getAdapter } from "axios";
import { attach } from "drf-ratchet/axios";

import { page, shown, untilActed } from "./rendering.js";
import { ALICE, BOB, Browser, ORIGIN, keyOf, lost, until, wind } from "../test/browser.js";

const { act, createElement: h, useState } = await import("react");
const { renderToString } = await import("react-dom/server");
const { useClient, useSession } = await import("drf-ratchet/react");

const ANSWER = "This is a protected view!";
const ON_A_SERVER = {
  locks: undefined,
  storage: undefined,
  network: undefined,
  openChannel: undefined,
};

/** What axios says to a request: the answer's message, or why there is none. */
function askByAxios(t, tab) {
  const sent = [];
  const adapter = (config) => {
    sent.push(config.headers.get("Authorization"));
    return getAdapter("http")(config);
  };
  const api = axios.create({ baseURL: `${ORIGIN}/api/`, adapter });
  attach(api, tab);
  const ask = () =>
    api.get("protected/").then(
      ({ data }) => data.message,
      (error) => error.response?.data.detail ?? error.code,
    );
  return { ask, sent };
}

/** The same by a page of React's, which also shows who is signed in. */
async function askByReact(t, tab) {
  const sent = [];
  let ask;
  function Page() {
    const { session, isLoading, error } = useSession();
    const client = useClient();
    const [said, setSaid] = useState("");
    ask = async () => {
      try {
        const answer = await client.fetch(`${ORIGIN}/api/protected/`);
        sent.push(answer.status);
        const { message, detail } = await answer.json();
        setSaid(message ?? detail);
      } catch (why) {
        setSaid(why.code);
      }
    };
    return `${isLoading ? "…" : (error?.code ?? session?.claims.username ?? "nobody")}: ${said}`;
  }
  const { text } = await shown(t, page(tab, h(Page)));
  return {
    sent,
    user: () => text().split(": ")[0],
    async ask() {
      await act(ask);
      return text().split(": ")[1];
    },
  };
}

for (const [name, start] of [["axios", askByAxios], ["react", askByReact]]) {
  test(`${name}: what one visitor of a server may see is not another's`, async (t) => {
    const alice = await new Browser(t).signedInTab(ALICE, ON_A_SERVER);
    const visitor = new Browser(t).tab(ON_A_SERVER);
    const [hers, theirs] = [await start(t, alice), await start(t, visitor)];

    assert.equal(await hers.ask(), ANSWER);
    assert.match(await theirs.ask(), /credentials were not provided/);
    if (name === "react") {
      const Who = () => String(useSession().session?.claims.username);
      for (const tab of [alice, visitor]) {
        assert.equal(renderToString(page(tab, h(Who))), "undefined", "a server renders nobody's page");
      }
    }
  });

  test(`${name}: what one of two users asked is not sent as the other`, async (t) => {
    const browser = new Browser(t);
    const tab = await browser.signedInTab(ALICE);
    const { ask, sent, user } = await start(t, tab);
    await browser.elsewhere().login(BOB);
    wind(t, 300);

    assert.equal(await ask(), "user_changed");

    assert.deepEqual(sent, []);
    assert.equal(user?.() ?? "bob", "bob");
    assert.equal(await ask(), ANSWER, "bob's own request is sent");
  });

  test(`${name}: a tab that has stopped holds up no other`, async (t) => {
    const browser = new Browser(t);
    const { ask } = await start(t, await browser.signedInTab(ALICE, { timeout: 0.1 }));
    browser.locks.request(`drf-ratchet ${ORIGIN}/api/`, {}, () => new Promise(() => {}));
    wind(t, 300);

    assert.equal(await ask(), ANSWER);
    assert.equal(browser.refreshes.length, 1);
  });

  test(`${name}: an answer that was lost costs no session`, async (t) => {
    const browser = new Browser(t);
    const { ask } = await start(t, await browser.signedInTab());
    browser.fault("browser/refresh/", lost);
    wind(t, 300);

    assert.equal(await ask(), ANSWER);
    assert.equal(browser.refreshes.length, 2);
    assert.equal(new Set(browser.refreshes.map(keyOf)).size, 1);
  });

  test(`${name}: offline it waits until the network is back`, async (t) => {
    const browser = new Browser(t);
    const { ask, sent } = await start(t, await browser.signedInTab());
    wind(t, 300);
    browser.goOffline();
    const asked = ask();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(sent, []);
    browser.goOnline();

    assert.equal(await asked, ANSWER);
  });

  test(`${name}: a redirect is told at once`, async (t) => {
    const browser = new Browser(t);
    const { ask } = await start(t, await browser.signedInTab());
    const headers = { Location: "https://elsewhere.example/" };
    browser.fault("browser/refresh/", async () => new Response(null, { status: 307, headers }));
    wind(t, 300);

    assert.equal(await ask(), "redirected");
    assert.equal(browser.refreshes.length, 1);
  });

  for (const [way, days] of [["ahead", 400], ["behind", -400]]) {
    test(`${name}: a clock that is 400 days ${way} changes nothing`, async (t) => {
      wind(t, days * 24 * 3600);
      const browser = new Browser(t);
      const { ask } = await start(t, await browser.signedInTab());

      for (let times = 0; times < 3; times += 1) assert.equal(await ask(), ANSWER);
      assert.equal(browser.refreshes.length, 0);
      wind(t, 300);
      assert.equal(await ask(), ANSWER);
      assert.equal(browser.refreshes.length, 1);
    });
  }

  test(`${name}: a page that is killed in the middle of a refresh goes on at its next start`, async (t) => {
    const browser = new Browser(t);
    const killed = await browser.signedInTab();
    browser.fault("browser/refresh/", lost);
    killed.refresh().catch(() => {});
    await until(() => browser.refreshes[0]?.status === 200);
    killed.close();
    wind(t, 300);

    const { ask, user } = await start(t, browser.tab());

    assert.equal(await ask(), ANSWER);
    if (user) await untilActed(() => user() === "alice");
  });
}
