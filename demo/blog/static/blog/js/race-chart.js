/** Draw the race: a row of dots that fall onto their successors. */

import { svgElement } from "./element.js";

const WIDTH = 640;
const TOP = 22;
const BOTTOM = 176;

/** Draw the dots at the top, and the lines that they will follow. */
export function drawStart(chart, count) {
  const dots = Array.from({ length: count }, (_, index) => dotAt(xOf(index, count)));
  const ways = dots.map((_, index) => way(xOf(index, count), WIDTH / 2));
  chart.replaceChildren(...ways, ...dots);
  chart.setAttribute("aria-label", `${count} dots, not started yet`);
}

/**
 * Animate the dots.
 *
 * `landings` holds the successor of each dot, or -1 for a refused one, which stays.
 */
export async function drawAnswers(chart, landings, successors) {
  const count = landings.length;
  const ways = [];
  const gone = [];
  const dots = landings.map((landing, index) => {
    const from = xOf(index, count);
    if (landing < 0) return dotAt(from, "refused");
    const to = xOf(landing, successors);
    ways.push(way(from, to, "travelled"));
    gone.push(dotAt(from, "gone"));
    const dot = dotAt(from, "landed");
    dot.setAttribute("transform", `translate(${to - from} ${BOTTOM - TOP})`);
    return dot;
  });
  chart.replaceChildren(...ways, ...gone, ...dots);
  chart.setAttribute("aria-label", `${count} dots, fallen onto ${successors}`);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  await Promise.all(dots.filter((dot) => dot.classList.contains("landed")).map(fall));
}

function fall(dot, index) {
  const timing = { duration: 620, delay: index * 45, easing: "cubic-bezier(.5, 0, .8, .6)", fill: "backwards" };
  const frames = [{ transform: "none" }, { transform: getComputedStyle(dot).transform }];
  // A hidden page does not animate, but the race still has to end.
  return Promise.race([
    dot.animate(frames, timing).finished,
    new Promise((resolve) => setTimeout(resolve, timing.duration + timing.delay + 200)),
  ]);
}

function dotAt(x, kind = "waiting") {
  return svgElement("circle", { class: kind, cx: x, cy: TOP, r: 9 });
}

function way(from, to, kind = null) {
  return svgElement("line", { class: kind, x1: from, y1: TOP, x2: to, y2: BOTTOM });
}

function xOf(index, count) {
  return (WIDTH / count) * (index + 0.5);
}
