import assert from "node:assert/strict";
import { test } from "node:test";

import { challengeOf } from "../src/challenge.js";

const answer = (challenge, status = 401) =>
  new Response("{}", { status, headers: challenge ? { "WWW-Authenticate": challenge } : {} });
const OURS = 'Bearer error="insufficient_user_authentication"';

test("a challenge says what to prove", () => {
  assert.deepEqual(challengeOf(answer(`${OURS}, acr_values="phr mfa", amr_values="hwk", max_age="300"`)), {
    acr: ["phr", "mfa"],
    amr: ["hwk"],
    maxAge: 300,
  });
  assert.deepEqual(challengeOf(answer(`${OURS}, max_age=5`)), { acr: [], amr: [], maxAge: 5 });
  assert.deepEqual(challengeOf(answer(OURS)), { acr: [], amr: [], maxAge: null });
});

test("any other response asks for nothing", () => {
  for (const response of [
    answer(OURS, 403),
    answer(OURS, 200),
    answer(null),
    answer('Bearer realm="api"'),
    answer('Bearer error="invalid_token", error_description="insufficient_user_authentication"'),
    answer(`${OURS}, ${"x".repeat(5000)}`),
  ]) {
    assert.equal(challengeOf(response), null);
  }
});

test("what is no number is no age", () => {
  for (const age of ["soon", "-1", "1e9", "9".repeat(20)]) {
    assert.equal(challengeOf(answer(`${OURS}, max_age="${age}"`)).maxAge, null);
  }
});
