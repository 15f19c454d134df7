/** The ratchet wheels of the page. */

const turns = new WeakMap();

/** Turn a wheel forward by one tooth. */
export function turnWheel(wheel) {
  turns.set(wheel, (turns.get(wheel) ?? 0) + 1);
  wheel.style.setProperty("--turns", turns.get(wheel));
}
