/** Start the page: one client, and the panels that show its state. */

import { createClient } from "../../drf-ratchet/ratchet.js";
import { startAccounts } from "./accounts.js";
import { startDevices } from "./devices.js";
import { byId } from "./element.js";
import { startPosts } from "./posts.js";
import { startRace } from "./race.js";
import { startSignIn } from "./signin.js";
import { startTheft } from "./theft.js";
import { startToken } from "./token.js";
import { turnWheel } from "./wheel.js";

const client = createClient({ baseUrl: "/api/" });
// Each panel returns a function that renders it for a session, or for null.
const signIn = startSignIn(client);
const accounts = startAccounts(client);
signIn.secondFactor = accounts.takesSecondFactor;
const panels = [
  signIn.show,
  startPosts(client, accounts.provePasskey),
  startDevices(client),
  accounts.show,
  startToken(client),
  turnHero(),
];
startRace(client);
startTheft(client);

client.onChange(showAll);
try {
  await client.restore();
  showAll(client.session);
} catch (error) {
  showAll(null);
  signIn.explain(error);
}

function showAll(session) {
  for (const show of panels) show(session);
}

/** Turn the wheel at the top for each new access token, from any tab. */
function turnHero() {
  let seen = null;
  return (session) => {
    const token = session?.claims.jti ?? null;
    if (token !== null && token !== seen) turnWheel(byId("wheel"));
    seen = token;
  };
}
