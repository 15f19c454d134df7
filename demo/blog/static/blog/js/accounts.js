/** Sign up, and sign in by a passkey, a second factor or a provider. */

import * as allauth from "./allauth.js";
import { byId, sayIn } from "./element.js";
import { canUsePasskeys } from "./passkey.js";
import { inWords } from "./refusal.js";
import { deviceName } from "./user-agent.js";
import { onPress, onSubmit } from "./working.js";

/**
 * Show the controls of accounts, if the server has accounts.
 *
 * @param client the browser client
 * @returns a function that shows the panel for a session, and the ways to prove who somebody is
 */
export function startAccounts(client) {
  if (byId("accounts") === null) return { show() {}, takesSecondFactor: null, provePasskey: null };

  // Whatever signs in at allauth ends here.
  async function finish() {
    reset();
    await allauth.exchange(client);
    byId("sign-out").focus();
  }

  function reset() {
    for (const id of ["second-factor", "verify-address", "offer-passkey", "confirm-app"]) {
      byId(id).hidden = true;
    }
    for (const form of document.querySelectorAll("form[data-account]")) form.reset();
  }

  /** Call `work`, and say what went wrong. */
  const said = (work, say) => async () => {
    say("");
    try {
      await work();
    } catch (error) {
      say(inWords(error), "bad");
    }
  };
  const tellCard = (words, kind) => sayIn(byId("sign-in-answer"), words, kind);
  const tellPanel = (words, kind) => sayIn(byId("account-answer"), words, kind);
  const inCard = (work) => said(work, tellCard);
  const inPanel = (work) => said(work, tellPanel);

  const field = (form, name) => byId(form).elements[name].value;

  // Sign in

  async function takesSecondFactor(credentials) {
    return goOn(await allauth.byPassword(credentials));
  }

  /** Show the form of the flow that a sign-in waits for, or finish it. */
  function goOn(flow) {
    if (flow === null) return finish();
    const verifies = flow.id === "verify_email";
    if (verifies) byId("create-account").open = true;
    const form = byId(verifies ? "verify-address" : "second-factor");
    form.hidden = false;
    form.elements.code.focus();
  }

  onSubmit(byId("second-factor"), inCard(async () => {
    await allauth.bySecondCode(field("second-factor", "code").trim());
    await finish();
  }));
  onPress(byId("second-passkey"), inCard(async () => {
    await allauth.bySecondPasskey();
    await finish();
  }));
  onPress(byId("passkey-sign-in"), inCard(async () => {
    await allauth.byPasskey();
    await finish();
  }));

  // Sign up

  onSubmit(byId("sign-up"), inCard(async () => {
    const account = {};
    for (const name of ["username", "email", "password"]) account[name] = field("sign-up", name);
    goOn(await allauth.signUp(account));
  }));
  onSubmit(byId("verify-address"), inCard(async () => {
    await allauth.verifyAddress(field("verify-address", "code").trim());
    byId("verify-address").hidden = true;
    if (!canUsePasskeys || field("sign-up", "password") === "") return finish();
    byId("offer-passkey").hidden = false;
    byId("first-passkey").focus();
  }));
  onPress(byId("first-passkey"), inCard(async () => {
    await allauth.reauthenticate(field("sign-up", "password"));
    await allauth.addPasskey(deviceName(navigator.userAgent));
    await finish();
  }));
  onPress(byId("no-passkey"), inCard(finish));

  // Add a factor. allauth's session is gone, and it wants the password once more.

  let username = null;

  async function signInAgain() {
    const password = field("add-factor", "password");
    const flow = await allauth.byPassword({ username, password });
    if (flow?.types?.includes("webauthn")) await allauth.bySecondPasskey();
    else if (flow !== null) throw { status: 0, detail: "You have a second factor already." };
    await allauth.reauthenticate(password);
  }

  onPress(byId("add-passkey"), inPanel(async () => {
    await signInAgain();
    await allauth.addPasskey(deviceName(navigator.userAgent));
    await finish();
    tellPanel("The passkey is added. Next time sign in with it alone.");
  }));
  onPress(byId("add-app"), inPanel(async () => {
    await signInAgain();
    byId("app-secret").textContent = await allauth.secretOfApp();
    byId("confirm-app").hidden = false;
    byId("confirm-app").elements.code.focus();
  }));
  onSubmit(byId("confirm-app"), inPanel(async () => {
    await allauth.addApp(field("confirm-app", "code").trim());
    await finish();
    tellPanel("The app is added. Your password alone signs you in no more.");
  }));
  onSubmit(byId("add-factor"), () => byId("add-passkey").click());

  // A provider's redirect leads back here.

  for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
    input.value = allauth.csrfToken();
  }
  const query = new URLSearchParams(location.search);
  const comesBack = query.has("from") || query.has("error");
  if (comesBack) {
    history.replaceState(null, "", location.pathname);
    if (query.has("error")) tellCard("The provider signed nobody in.", "bad");
    else inCard(async () => goOn(await allauth.flowHere()))();
  }

  for (const element of document.querySelectorAll("[data-needs-passkeys]")) {
    element.hidden = !canUsePasskeys;
  }
  byId("passkeys-elsewhere").hidden = canUsePasskeys;

  return {
    takesSecondFactor,
    /** Use a passkey again, for what wants a recent one. */
    async provePasskey() {
      await allauth.byPasskey();
      await allauth.exchange(client);
    },
    show(session) {
      username = session?.claims.username ?? null;
      byId("account-hint").hidden = session !== null;
      byId("add-factor").hidden = session === null;
      if (session === null) byId("confirm-app").hidden = true;
    },
  };
}
