/** React with a window of jsdom's, which has to be there before React is. */

import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!DOCTYPE html>", { url: "http://localhost/" });
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
const { StrictMode, act, createElement: h } = await import("react");
const { createRoot } = await import("react-dom/client");
const { SessionProvider } = await import("drf-ratchet/react");

/** The components, strictly and with that client. */
export const page = (client, ...children) =>
  h(StrictMode, {}, h(SessionProvider, { client }, ...children));

/** Render into a place of its own. */
export async function shown(t, element) {
  const place = document.body.appendChild(document.createElement("div"));
  const root = createRoot(place);
  t.after(() => act(() => root.unmount()));
  await act(() => root.render(element));
  return { place, root, text: () => place.textContent };
}

/** Once it is true. React 18 renders at the end of an act, so that each look has one of its own. */
export async function untilActed(holds) {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${holds}`);
    await act(() => new Promise((resolve) => setTimeout(resolve, 5)));
  }
  await act(() => new Promise((resolve) => setTimeout(resolve, 10)));
}
