/** Return a name such as "Firefox on Linux" for a User-Agent header. */

// The order matters: Edge and Opera also send "Chrome", and Chrome also sends "Safari".
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
