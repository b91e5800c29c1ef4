// Builds elements. Text only ever goes in as text: nothing on the page parses markup.

const SVG = "http://www.w3.org/2000/svg";

function make(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (name === "style") {
      for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    } else if (name === "checked" || name === "selected") {
      node[name] = value;
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

const el = (tag, props, ...children) => make(document.createElement(tag), props, children);
const svg = (tag, props, ...children) =>
  make(document.createElementNS(SVG, tag), props, children);

// Columns: [title, cell(row), "number" | "text" | undefined].
function table(columns, rows, rowClass) {
  return el("div", {class: "scroll"}, el("table", {},
    el("thead", {}, el("tr", {}, columns.map(([title, , kind]) =>
      el("th", {scope: "col", class: kind}, title)))),
    el("tbody", {}, rows.map((row) => el("tr", {class: rowClass?.(row)},
      columns.map(([, cell, kind]) => el("td", {class: kind}, cell(row))))))));
}

// ---- numbers as people read them: three digits that count, and a unit

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
