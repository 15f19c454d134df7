/** The examples of the README, as they are there. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { ALICE, Browser, ORIGIN } from "./browser.js";

const text = await readFile(new URL("../README.md", import.meta.url), "utf8");
const examples = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);

test("there is one, and every other line of code stands in a table or a sentence", () => {
  assert.equal(examples.length, 1);
  assert.equal(text.match(/^```/gm).length, 2);
});

test("it signs in, fetches and signs out", async (t) => {
  const browser = new Browser(t);
  const folder = await mkdtemp(join(tmpdir(), "readme-"));
  t.after(() => rm(folder, { recursive: true }));
  // A tab of the browser whose page is the API's: there are no pages here.
  globalThis.clientOfReadme = ({ baseUrl }) => browser.tab({ baseUrl: `${ORIGIN}${baseUrl}` });
  await writeFile(join(folder, "drf-ratchet.mjs"), "export const createClient = clientOfReadme;\n");
  const code = examples[0]
    .replace('"drf-ratchet"', '"./drf-ratchet.mjs"')
    .replace("…", ALICE.password)
    .replace('"/api/posts/"', `"${ORIGIN}/api/posts/"`);
  await writeFile(join(folder, "example.mjs"), `${code}\nexport { session, answer, client };\n`);

  const { session, answer, client } = await import(pathToFileURL(join(folder, "example.mjs")));

  assert.equal(session, null);
  assert.equal(answer.status, 200);
  assert.match(browser.sent("posts/")[0].headers.get("Authorization"), /^Bearer /);
  assert.equal(client.session, null);
  assert.equal(browser.sent("browser/logout/")[0].status, 200);
});

test("it names every entry of the package", async () => {
  const { exports } = JSON.parse(
    await readFile(new URL("../package.json", import.meta.url), "utf8"),
  );
  for (const path of Object.keys(exports)) {
    assert.ok(text.includes(`| \`${path.replace(".", "drf-ratchet")}\` |`), path);
  }
});
