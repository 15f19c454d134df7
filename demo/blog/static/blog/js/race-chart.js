/** Draws the race: a row of dots that fall onto their successors. */

import { svgElement } from "./element.js";

const WIDTH = 640;
const TOP = 22;
const BOTTOM = 176;

/** The dots at the top, and the ways that lie before them. */
export function drawStart(chart, count) {
  const dots = Array.from({ length: count }, (_, index) => dotAt(xOf(index, count)));
  const ways = dots.map((_, index) => way(xOf(index, count), WIDTH / 2));
  chart.replaceChildren(...ways, ...dots);
  chart.setAttribute("aria-label", `${count} dots, not started yet`);
}

/**
 * Let the dots fall.
 *
 * `landings` says for each dot which successor it got, or -1 for one that was refused and stays.
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
  // A page that is not being shown does not animate, and the race is over all the same.
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
