// Numbers as people read them: three digits that count, and a unit. Durations are nanoseconds.

const UNITS = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
const THIN = "\u2009";

function digits(value) {
  const size = Math.abs(value);
  return size >= 100 || size === 0 ? value.toFixed(0) : size >= 10 ? value.toFixed(1)
    : value.toFixed(2);
}

export function duration(ns) {
  if (!Number.isFinite(ns)) return "–";
  const size = Math.abs(ns);
  if (size >= 120e9) return `${digits(ns / 60e9)}${THIN}min`;
  const [unit, word] = UNITS.find(([one]) => size >= one) ?? UNITS[1];
  return `${digits(ns / unit)}${THIN}${word}`;
}

export const ms = (value) => duration(value * 1e6);

export function signed(value, show) {
  if (!Number.isFinite(value)) return "–";
  return value > 0 ? `+${show(value)}` : value < 0 ? `−${show(-value)}` : show(0);
}

export function count(value) {
  return Number.isFinite(value) ? value.toLocaleString("en-US") : "–";
}

export function rate(perSecond) {
  return Number.isFinite(perSecond) ? `${digits(perSecond)}/s` : "–";
}

export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = share * 100;
  return value === 0 ? "0%" : value < 0.1 ? "<0.1%" : `${value >= 10 ? value.toFixed(0)
    : value.toFixed(1)}%`;
}

const two = (value) => String(value).padStart(2, "0");

// Local time of day with milliseconds; the date too unless it is today.
export function time(unixMs, withDate = "auto") {
  const at = new Date(unixMs);
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
    + `.${String(at.getMilliseconds()).padStart(3, "0")}`;
  const isToday = at.toDateString() === new Date().toDateString();
  if (withDate === false || (withDate === "auto" && isToday)) return clock;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
}

// "one trace", "7 traces"
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

// A place on an axis of round steps: no more digits than the step has.
export function tick(ns, every) {
  const [unit, word] = UNITS.find(([one]) => every >= one) ?? UNITS[3];
  const inStep = every / unit;
  // Steps of 500 ms read better as 0.5 s once there are seconds.
  if (unit < 1e9 && ns >= unit * 1000 && inStep >= 100)
    return `${+(ns / (unit * 1000)).toPrecision(6)}${THIN}${UNITS[UNITS.findIndex(([one]) =>
      one === unit) - 1][1]}`;
  return `${+(ns / unit).toPrecision(9)}${THIN}${word}`;
}

// Round steps for an axis: 1, 2 or 5 times a power of ten.
export function step(span, most) {
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return power * ([1, 2, 5, 10].find((factor) => power * factor >= rough) ?? 10);
}
