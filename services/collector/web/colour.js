// One stable colour for each service: a place in a palette by the name's hash; where two of the
// known services want one place, the later by name moves on. The stylesheet decides how light.

const HUES = [255, 150, 305, 85, 200, 340, 120, 280, 55, 175, 230, 325];
const TONES = 2;
const PLACES = HUES.length * TONES;

const taken = new Map(); // service -> place

function hash(name) {
  let value = 2166136261;
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 16777619);
  return value >>> 0;
}

// Tells all services at once, so that the order in which views meet them does not matter.
export function know(services) {
  const used = new Set();
  taken.clear();
  for (const name of [...services].sort()) {
    let place = hash(name) % PLACES;
    for (let i = 0; used.has(place) && i < PLACES; i++) place = (place + 5) % PLACES;
    used.add(place);
    taken.set(name, place);
  }
}

function place(service) {
  return taken.get(service) ?? hash(service) % PLACES;
}

// Custom properties for an element that is drawn in a service's colour: grey for what sends no spans.
export function tint(service) {
  if (taken.size > 0 && !taken.has(service))
    return {"--mark-c": "0", "--pale-c": "0", "--hue": "0", "--tone": "0"};
  const at = place(service);
  return {"--hue": String(HUES[at % HUES.length]), "--tone": String(Math.floor(at / HUES.length))};
}

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

// The same colour for a canvas.
export function paint(service, alpha = 1) {
  const at = place(service);
  const tone = Math.floor(at / HUES.length);
  const light = isDark() ? 0.7 - tone * 0.1 : 0.6 - tone * 0.12;
  return `oklch(${light} ${tone ? 0.09 : 0.13} ${HUES[at % HUES.length]} / ${alpha})`;
}
