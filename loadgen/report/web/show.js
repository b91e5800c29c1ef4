// Tables, and numbers as people read them.

// Columns: [title, cell(row), "number" | "text" | undefined].
function table(columns, rows, rowClass) {
  return el("div", {class: "scroll"}, el("table", {},
    el("thead", {}, el("tr", {}, columns.map(([title, , kind]) =>
      el("th", {scope: "col", class: kind}, title)))),
    el("tbody", {}, rows.map((row) => el("tr", {class: rowClass?.(row)},
      columns.map(([, cell, kind]) => el("td", {class: kind}, cell(row))))))));
}

// ---- numbers: three digits that count, and a unit

const THIN = "\u2009";

function digits(value) {
  const size = Math.abs(value);
  return size >= 100 || size === 0 ? value.toFixed(0) : size >= 10 ? value.toFixed(1)
    : value.toFixed(2);
}

function showMs(value) {
  if (!Number.isFinite(value)) return "–";
  if (value >= 120e3) return `${digits(value / 60e3)}${THIN}min`;
  if (value >= 1e3) return `${digits(value / 1e3)}${THIN}s`;
  if (value >= 1 || value === 0) return `${digits(value)}${THIN}ms`;
  return `${digits(value * 1e3)}${THIN}µs`;
}

// Of an axis: no more digits than a round number has.
function tickMs(value) {
  const [unit, word] = value >= 1e3 ? [1e3, "s"] : value >= 1 || value === 0 ? [1, "ms"]
    : [1e-3, "µs"];
  return `${+(value / unit).toPrecision(6)}${THIN}${word}`;
}

const showCount = (value) => Number.isFinite(value) ? value.toLocaleString("en-US") : "–";
const showSeconds = (value) => `${+value.toPrecision(6)}${THIN}s`;
const plural = (number, one) => `${showCount(number)} ${one}${number === 1 ? "" : "s"}`;

function showShare(share) {
  const percent = share * 100;
  return percent === 0 ? "0%" : percent < 0.1 ? "<0.1%" : `${digits(percent)}%`;
}

// "99.9%" without the noise of binary fractions.
const showLevel = (level) => `${+(level * 100).toPrecision(9)}%`;
