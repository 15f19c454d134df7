/**
 * How much each entry of the package adds to a page: minified by esbuild, and gzipped.
 *
 * `node sizes.mjs` prints it; with `node --test` it also holds each entry to its limit.
 */

import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const LIMIT = 2048;
const PACKAGE = new URL("node_modules/drf-ratchet/", import.meta.url);
const { exports, ...about } = JSON.parse(await readFile(new URL("package.json", PACKAGE), "utf8"));
const ENTRIES = Object.keys(exports).map((path) => path.replace(".", "drf-ratchet"));
const use = (entry) => `import * as it from "${entry}"; console.log(it);`;

async function size(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    external: ["react", "axios"],
    logLevel: "error",
    write: false,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

test("each entry adds less than 2 kB to the core", async () => {
  const [core, ...entries] = ENTRIES;
  const base = await size(use(core));
  console.log(`${core}: ${base} bytes`);
  for (const entry of entries) {
    const more = (await size(`export * from "${core}"; ${use(entry)}`)) - base;
    console.log(`${entry}: ${more} bytes more`);
    assert.ok(more < LIMIT, `${entry}: ${more}`);
  }
});

test("a bundler leaves out what is not used", async () => {
  const nothing = await size("");
  for (const entry of ENTRIES) {
    assert.equal(await size(`import "${entry}"; import * as it from "${entry}";`), nothing, entry);
  }
  const error = 'import { RatchetError } from "drf-ratchet"; console.log(RatchetError);';
  assert.ok((await size(error)) < 500, "an error without its client");
});

test("every entry is a module with types, and brings nothing along", async () => {
  for (const { types, default: module } of Object.values(exports)) {
    await access(new URL(types, PACKAGE));
    assert.ok(await import(new URL(module, PACKAGE)));
  }
  assert.equal(about.type, "module");
  assert.equal(about.sideEffects, false);
  assert.equal(about.dependencies, undefined);
  const { peerDependencies, peerDependenciesMeta } = about;
  assert.ok(Object.keys(peerDependencies).every((name) => peerDependenciesMeta[name].optional));
});
