/** Send sixteen refreshes of one token at once. */

import { decode, shortName } from "./decode.js";
import { byId, element } from "./element.js";
import { drawStart, drawAnswers } from "./race-chart.js";
import { inWords } from "./refusal.js";
import { endThrowaway, refreshThrowaway, signInThrowaway } from "./throwaway.js";
import { turnWheel } from "./wheel.js";
import { onPress } from "./working.js";

const RACERS = 16;

export function startRace(client) {
  const chart = byId("race-chart");
  const result = byId("race-result");
  drawStart(chart, RACERS);

  onPress(byId("race-start"), async () => {
    say("Signing in a throwaway session …");
    byId("race-details").hidden = true;
    drawStart(chart, RACERS);
    try {
      const { refresh } = await signInThrowaway(client);
      byId("race-from").textContent = `refresh token ${tokenName(refresh)}, sixteen requests`;
      say("Sixteen requests are on their way …");
      const answers = await race(refresh);
      await endThrowaway(refresh);
      await show(answers);
    } catch (error) {
      say(inWords(error), "bad");
    }
  });

  async function show(answers) {
    const good = answers.filter((one) => one.ok);
    const successors = [...new Set(good.map((one) => one.tokens.refresh))];
    byId("race-answers").replaceChildren(...answers.map(row));
    byId("race-details").hidden = false;
    await drawAnswers(chart, answers.map((one) => successors.indexOf(one.tokens?.refresh)), successors.length);
    const last = Math.max(...answers.map((one) => one.after));
    const words = [`${good.length} of ${RACERS} answered 200 within ${last} ms.`];
    if (successors.length === 1) {
      turnWheel(byId("race-wheel"));
      words.push(" The next refresh token is ", element("code", {}, tokenName(successors[0])), ".");
    }
    result.dataset.answered = good.length;
    result.dataset.successors = successors.length;
    say(
      words,
      successors.length === 1 && good.length === RACERS ? "good" : "bad",
      `${RACERS} requests, ${successors.length} successor${successors.length === 1 ? "" : "s"}`,
    );
  }

  function say(words, kind = "", sum = "") {
    byId("race-sum").textContent = sum;
    byId("race-words").replaceChildren(...[words].flat());
    result.dataset.kind = kind;
  }
}

async function race(refresh) {
  const start = performance.now();
  const timed = async () => {
    const answer = await refreshThrowaway(refresh);
    return { ...answer, after: Math.round(performance.now() - start) };
  };
  return Promise.all(Array.from({ length: RACERS }, timed));
}

function row(answer, index) {
  const { refresh, access } = answer.tokens ?? {};
  return element(
    "tr",
    {},
    element("td", {}, String(index + 1)),
    element("td", {}, answer.ok ? "200" : `${answer.status} ${inWords(answer.refusal)}`),
    element("td", {}, `${answer.after} ms`),
    element("td", {}, refresh ? element("code", {}, tokenName(refresh)) : "none"),
    element("td", {}, access ? element("code", {}, shortName(access)) : "none"),
  );
}

function tokenName(refresh) {
  return `${shortName(refresh)} (generation ${decode(refresh).claims.gen})`;
}
