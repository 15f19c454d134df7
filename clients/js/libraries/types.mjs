/** TypeScript is content with the package's types, and with the strictest of its options. */

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";

test("an app in TypeScript compiles", () => {
  const { resolve } = createRequire(import.meta.url);
  const tsc = join(dirname(resolve("typescript/package.json")), "bin", "tsc");
  const options = "--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false";
  const target = "--target es2022 --lib es2022,dom --module nodenext --types react";
  execFileSync(process.execPath, [tsc, ...`${options} ${target}`.split(" "), "types.ts"], {
    cwd: import.meta.dirname,
    stdio: "inherit",
  });
});
