/** Show the signed-in user, sign in and sign out. */

import { byId, sayIn } from "./element.js";
import { inWords } from "./refusal.js";
import { onPress, onSubmit } from "./working.js";

export function startSignIn(client) {
  const form = byId("sign-in");
  const answer = byId("sign-in-answer");

  async function signIn() {
    const { username, password } = form.elements;
    say("");
    try {
      await client.login({ username: username.value, password: password.value });
      form.reset();
      // The focused element is hidden now.
      byId("sign-out").focus();
    } catch (error) {
      if (error.code === "second_factor_required" && panel.secondFactor) {
        await goOn({ username: username.value, password: password.value });
        return;
      }
      explain(error);
      // The user enters a wrong password again.
      if (form.contains(document.activeElement)) password.select();
    }
  }

  async function goOn(credentials) {
    try {
      await panel.secondFactor(credentials);
    } catch (error) {
      explain(error);
    }
  }

  async function signOut() {
    say("");
    try {
      await client.logout();
      say("You are signed out.");
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

  function show(session) {
    byId("sign-in-wait").hidden = true;
    byId("signed-out").hidden = session !== null;
    byId("signed-in").hidden = session === null;
    byId("sign-in-title").textContent = session === null ? "Sign in" : "You";
    byId("who").textContent = session?.claims.username ?? "";
    byId("role").textContent = session === null ? "" : roleName(session.claims.role);
    if (session !== null) say("");
  }

  for (const button of document.querySelectorAll("button[data-user]")) {
    onPress(button, () => {
      form.elements.username.value = button.dataset.user;
      form.elements.password.value = document.body.dataset.demoPassword;
      return signIn();
    });
  }
  onSubmit(form, signIn);
  onPress(byId("sign-out"), signOut);
  const panel = {
    show,
    explain,
    /** Signs in who has a second factor; null where there are none. */
    secondFactor: null,
  };
  return panel;
}

function roleName(role) {
  return role === "admin" ? "staff" : "user";
}
