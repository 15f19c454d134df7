/** Format times for people. */

import { element } from "./element.js";

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function inWords(seconds) {
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relative.format(Math.round(seconds / length), unit);
}

/** Return a text such as "in 12 minutes". */
export function inFuture(seconds) {
  return inWords(Math.max(1, Math.ceil(seconds)));
}

/** Return a text such as "3 minutes ago", never a future one: the server's clock may be ahead. */
export function ago(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  return seconds > -5 ? "just now" : inWords(seconds);
}

export function timeElement(iso) {
  return element("time", { datetime: iso, title: new Date(iso).toLocaleString() }, ago(iso));
}

/** Update the texts of the times below `root`. */
export function renewTimes(root) {
  for (const time of root.querySelectorAll("time")) time.textContent = ago(time.dateTime);
}
