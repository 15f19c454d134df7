/** List and end the sessions of the signed-in user. */

import { byId, element, sayIn } from "./element.js";
import { methodsInWords } from "./methods.js";
import { inWords } from "./refusal.js";
import { deviceName } from "./user-agent.js";
import { renewTimes, timeElement } from "./when.js";
import { onPress } from "./working.js";

export function startDevices(client) {
  const list = byId("devices");
  const answer = byId("devices-answer");
  let shownFor = null;

  async function load() {
    const asked = shownFor;
    try {
      const sessions = await client.sessions.list();
      // Another user may have signed in before the response arrived.
      if (asked === shownFor) list.replaceChildren(...sessions.map(item));
    } catch (error) {
      explain(error);
    }
  }

  function item(session) {
    const name = deviceName(session.user_agent);
    const end = element("button", { type: "button", "aria-label": `End ${name}` }, "End");
    onPress(end, () => endOne(session, name));
    const tag = session.current ? [element("span", { class: "tag" }, "this one")] : [];
    return element(
      "li",
      { "data-session": session.id, "data-current": String(session.current) },
      element("p", { class: "device-name" }, element("span", { title: session.user_agent }, name), ...tag),
      element(
        "p",
        { class: "device-facts" },
        element("span", {}, `from ${session.ip ?? "an unknown address"}`),
        element("span", {}, "signed in ", timeElement(session.created_at)),
        element("span", { class: "device-amr" }, `by ${methodsInWords(session.amr)}`),
        element("span", {}, "last refreshed ", timeElement(session.last_used_at)),
      ),
      end,
    );
  }

  async function endOne(session, name) {
    try {
      if (session.current) {
        await client.logout();
        byId("sign-in-title").focus();
        return;
      }
      await client.sessions.end(session.id);
      await load();
      say(`${name} is signed out.`);
      byId("devices-title").focus();
    } catch (error) {
      explain(error);
    }
  }

  async function endAll() {
    try {
      await client.logout({ everywhere: true });
      say("All of your sessions have ended, this one too.");
      byId("sign-in-title").focus();
    } catch (error) {
      explain(error);
    }
  }

  function say(words, kind = "") {
    sayIn(answer, words, kind);
  }

  function explain(error) {
    say(inWords(error), "bad");
  }

  onPress(byId("devices-reload"), async () => {
    say("");
    await load();
  });
  onPress(byId("log-out-everywhere"), endAll);
  setInterval(() => renewTimes(list), 30_000);

  return (session) => {
    const id = session?.claims.sid ?? null;
    byId("devices-hint").hidden = id !== null;
    byId("devices-buttons").hidden = id === null;
    if (id === shownFor) return;
    shownFor = id;
    list.replaceChildren();
    if (id !== null) {
      say("");
      load();
    }
  };
}
