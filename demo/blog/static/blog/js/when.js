/** Times as people say them. */

import { element } from "./element.js";

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function inWords(seconds) {
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relative.format(Math.round(seconds / length), unit);
}

/** "in 12 minutes" */
export function inFuture(seconds) {
  return inWords(Math.max(1, Math.ceil(seconds)));
}

/** "3 minutes ago". The server's clock may be ahead of ours: what has happened is never to come. */
export function ago(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  return seconds > -5 ? "just now" : inWords(seconds);
}

export function timeElement(iso) {
  return element("time", { datetime: iso, title: new Date(iso).toLocaleString() }, ago(iso));
}

/** Say the times below `root` anew, since some of them have become longer ago. */
export function renewTimes(root) {
  for (const time of root.querySelectorAll("time")) time.textContent = ago(time.dateTime);
}
