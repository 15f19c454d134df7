/** Demonstrate a stolen refresh token, step by step. */

import { decode } from "./decode.js";
import { byId, element } from "./element.js";
import { inWords, verbatim } from "./refusal.js";
import { endThrowaway, refreshThrowaway, signInThrowaway } from "./throwaway.js";
import { onPress } from "./working.js";

/** Milliseconds between two steps, so that people can read them. */
const PAUSE = 650;

export function startTheft(client) {
  const log = byId("theft-log");
  const result = byId("theft-result");

  onPress(byId("theft-start"), async () => {
    log.replaceChildren();
    say("");
    let newest = null;
    try {
      await play((refresh) => {
        newest = refresh;
      });
    } catch (error) {
      say(inWords(error), "bad");
    } finally {
      // It has ended already, unless an earlier step failed.
      if (newest !== null) await endThrowaway(newest).catch(() => {});
    }
  });

  async function play(keep) {
    const { username, refresh: stolen } = await signInThrowaway(client);
    keep(stolen);
    await step("owner", `The owner, ${username}, signs in`, "A throwaway session begins.", got(stolen));
    await step("thief", "A thief copies the refresh token", "From a log, a backup or a shared computer. The server notices nothing.", named(stolen));

    const second = await refreshThrowaway(stolen);
    if (!second.ok) throw second.refusal;
    keep(second.tokens.refresh);
    await step("owner", "The owner refreshes", "The counter turns by one tooth.", got(second.tokens.refresh));

    const third = await refreshThrowaway(second.tokens.refresh);
    if (!third.ok) throw third.refusal;
    keep(third.tokens.refresh);
    await step(
      "owner",
      "The owner refreshes again",
      "The copy is two teeth behind now. Up to one tooth, and for ten seconds, it could have been an answer " +
        "that got lost on the way; two teeth behind it cannot.",
      got(third.tokens.refresh),
    );

    const replay = await refreshThrowaway(stolen);
    await step("thief", "The thief uses the copy", "A used token has come back: the server ends the session.", answered(replay));

    const after = await refreshThrowaway(third.tokens.refresh);
    await step(
      "owner",
      "The owner refreshes once more",
      "Refused as well: from outside, the two look the same. The owner signs in again with the password, " +
        "which the thief does not have.",
      answered(after),
    );
    const caught = replay.refusal?.reason === "reused" && after.refusal?.reason === "session_ended";
    say(
      caught ? "The theft came to light, and the copy is worth nothing." : "That is not what should have happened.",
      caught ? "good" : "bad",
    );
  }

  function step(who, title, text, answer) {
    log.append(
      element(
        "li",
        { "data-who": who, "data-status": answer.status },
        element("p", { class: "step-title" }, element("span", { class: "step-who" }, who), " ", element("strong", {}, title)),
        element("p", {}, text),
        element("p", { class: "step-answer" }, element("code", {}, answer.words)),
      ),
    );
    return new Promise((resolve) => setTimeout(resolve, PAUSE));
  }

  function say(words, kind = "") {
    result.textContent = words;
    result.dataset.kind = kind;
  }
}

function named(refresh) {
  return { status: "none", words: `generation ${decode(refresh).claims.gen}` };
}

function got(refresh) {
  return { status: 200, words: `200: a refresh token of generation ${decode(refresh).claims.gen}` };
}

function answered(answer) {
  return answer.ok ? got(answer.tokens.refresh) : { status: answer.status, words: verbatim(answer.refusal) };
}
