// A window of time: in the address either `last` (15m), or `start` and `end` (RFC 3339), or in short
// `at` (1795892290.1,8.4: Unix seconds, and how many); with a prefix where a view has two. As a
// control a list of lengths, or two times.

import {el} from "./dom.js";

const LENGTHS = [["5m", 300], ["15m", 900], ["1h", 3600], ["6h", 21600], ["24h", 86400],
  ["7d", 604800]];
const DEFAULT = "1h";
const SHORT = /^(\d{1,11}(?:\.\d{1,3})?),(\d{1,8}(?:\.\d{1,3})?)$/;

// {start, end} in Unix ms; `last` where it is a length up to now, or "all".
export function readRange(params, prefix = "", otherwise = DEFAULT) {
  const [, at, seconds] = SHORT.exec(params.get(`${prefix}at`) ?? "") ?? [];
  if (seconds > 0) {
    const from = Math.round(at * 1000);
    return {start: from, end: from + Math.round(seconds * 1000)};
  }
  const start = Date.parse(params.get(`${prefix}start`) ?? "");
  const end = Date.parse(params.get(`${prefix}end`) ?? "");
  if (Number.isFinite(start) && Number.isFinite(end) && start < end) return {start, end};
  const last = params.get(`${prefix}last`) ?? otherwise;
  const now = Date.now();
  if (last === "all") return {start: 0, end: now, last};
  const found = LENGTHS.find(([word]) => word === last) ?? LENGTHS.find(([word]) =>
    word === DEFAULT);
  return {start: now - found[1] * 1000, end: now, last: found[0]};
}

// Whether the address has such a window, rather than none or a length up to now.
export const hasRange = (params, prefix = "") => params.has(`${prefix}start`)
  || params.has(`${prefix}at`);

export function writeRange(params, range, prefix = "") {
  for (const name of ["last", "start", "end", "at"]) params.delete(prefix + name);
  if (range.last) {
    params.set(`${prefix}last`, range.last);
  } else {
    params.set(`${prefix}start`, new Date(range.start).toISOString());
    params.set(`${prefix}end`, new Date(range.end).toISOString());
  }
  return params;
}

// As the collector's own questions take it.
export const rangeQuery = (range, prefix = "") => ({
  [`${prefix}start`]: new Date(range.start).toISOString(),
  [`${prefix}end`]: new Date(range.end).toISOString(),
});

const two = (value) => String(value).padStart(2, "0");

function local(unixMs) { // as <input type=datetime-local> wants it
  const at = new Date(unixMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}`
    + `:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

// The control and a function that reads it.
export function rangeControl(range, label = "Time") {
  const from = el("input", {type: "datetime-local", step: "1", "aria-label": `${label} from`,
    value: local(range.start)});
  const to = el("input", {type: "datetime-local", step: "1", "aria-label": `${label} to`,
    value: local(range.end)});
  const times = el("span", {class: "times", hidden: Boolean(range.last)}, from, el("span", {}, "–"), to);
  const choice = el("select", {"aria-label": label, on: {change: () => {
    times.hidden = choice.value !== "";
  }}}, LENGTHS.map(([word]) => el("option", {value: word}, `last ${word}`)),
  el("option", {value: "all"}, "all"), el("option", {value: ""}, "from – to"));
  choice.value = range.last ?? "";
  const read = () => {
    if (choice.value) return readRange(new URLSearchParams({last: choice.value}));
    // The fields show whole seconds: what nobody touched keeps its milliseconds.
    const start = from.value === local(range.start) ? range.start : Date.parse(from.value);
    const end = to.value === local(range.end) ? range.end : Date.parse(to.value);
    return start < end ? {start, end} : range;
  };
  return {element: el("label", {class: "field range"}, el("span", {}, label), choice, times), read};
}
