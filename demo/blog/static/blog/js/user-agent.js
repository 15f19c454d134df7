/** "Firefox on Linux" for what a browser says about itself. */

// In this order: Edge and Opera also say Chrome, and Chrome also says Safari.
const PROGRAMS = [
  ["Edge", /\bEdgA?\//],
  ["Opera", /\bOPR\//],
  ["Firefox", /\b(Firefox|FxiOS)\//],
  ["Chrome", /\b(Headless)?(Chrome|CriOS)\//],
  ["Safari", /\bSafari\//],
  ["curl", /^curl\//],
  ["Python", /^python/i],
];
const SYSTEMS = [
  ["Android", /Android/],
  ["iPhone", /iPhone/],
  ["iPad", /iPad/],
  ["Windows", /Windows/],
  ["macOS", /Mac OS X/],
  ["Linux", /Linux|X11/],
];

export function deviceName(userAgent) {
  const program = nameIn(PROGRAMS, userAgent);
  const system = nameIn(SYSTEMS, userAgent);
  if (program && system) return `${program} on ${system}`;
  return program || system || userAgent.slice(0, 40) || "Unknown device";
}

function nameIn(names, userAgent) {
  return names.find(([, pattern]) => pattern.test(userAgent))?.[0];
}
