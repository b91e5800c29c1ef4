// Before and after: two windows of time, each operation's figures in both and the difference, and
// what the diagnosis says of the later against the earlier.

import {get, summaries} from "./api.js";
import {chip, short} from "./chip.js";
import {el, note, replace} from "./dom.js";
import {count, ms, percent, plural, rate, signed, time} from "./format.js";
import {askFindings, findingsList} from "./findings.js";
import {dot, secondsOf} from "./map.js";
import {hasRange, rangeControl, rangeQuery, readRange, writeRange} from "./range.js";
import {scatter} from "./scatter.js";
import {table} from "./table.js";

export const name = "compare";
export const title = "Compare";

const POINTS = 1000;
const PAGES = 8;
const PARTS = 12;
const PART_POINTS = 60;

function address(before, after) {
  const params = new URLSearchParams();
  if (before) writeRange(params, before, "before_");
  if (after) writeRange(params, after, "after_");
  return `/compare?${params}`;
}

const read = (params, prefix) => hasRange(params, prefix) ? readRange(params, prefix) : null;

// Rows of both windows by key; what is missing in one is NaN there.
function join(before, after, key) {
  const rows = new Map();
  const put = (side, list, seconds) => {
    for (const one of list) {
      const id = key(one).join("\n");
      const row = rows.get(id) ?? {names: key(one)};
      row[side] = {...one, rate: one.calls / seconds, share: one.errors / one.calls};
      rows.set(id, row);
    }
  };
  put("before", before.list, before.seconds);
  put("after", after.list, after.seconds);
  return [...rows.values()];
}

const of = (row, side, field) => row[side]?.[field] ?? NaN;
const change = (row, field) => of(row, "after", field) - of(row, "before", field);

function both(key, words, show) {
  return {key, title: words, numeric: true, value: (row) => of(row, "after", key),
    cell: (row) => el("span", {class: "both"}, el("span", {}, show(of(row, "before", key))),
      el("b", {}, show(of(row, "after", key))))};
}

// Grows to the right when slower, to the left when faster.
function delta(key, words, most) {
  return {key: `d_${key}`, title: words, numeric: true, value: (row) => Math.abs(change(row, key)),
    cell: (row) => {
      const by = change(row, key);
      const before = of(row, "before", key);
      const matters = Math.abs(by) > 0.2 && Math.abs(by) > before * 0.1;
      const share = Number.isFinite(by) ? Math.min(1, Math.abs(by) / most) * 50 : 0;
      return el("span", {class: `delta ${!matters ? "" : by > 0 ? "worse" : "better"}`},
        el("i", {style: {width: `${share}%`, left: by > 0 ? "50%" : `${50 - share}%`}}),
        el("b", {}, signed(by, ms)), el("span", {class: "muted"}, before > 0 && Number.isFinite(by)
          ? signed(by / before, percent) : ""));
    }};
}

// `middle`: p50 where all calls are alike; the mean where short and long ones are mixed, whose
// median jumps when their shares change a little.
function figures(rows, label, columns, [middle, words]) {
  const most = Math.max(...rows.map((row) => Math.abs(change(row, middle)) || 0), 0.001);
  return table({label, rows, sort: `d_${middle}`, columns: [...columns,
    delta(middle, `Δ ${words}`, most), both(middle, words, ms), both("p99_ms", "p99", ms),
    both("rate", "Rate", rate), both("share", "Errors", (share) => share === 0 ? "0"
      : percent(share))]});
}

function drawTables(graph) {
  const side = (which, list) => ({list: which[list], seconds: secondsOf(which)});
  const [before, after] = [graph.baseline, graph.window];
  return [el("p", {class: "figures"},
    el("span", {class: "key before"}, "before ", el("b", {}, plural(before.traces, "trace"))),
    el("span", {class: "key after"}, "after ", el("b", {}, plural(after.traces, "trace"))),
    (before.truncated || after.truncated) && el("span", {class: "tag"}, "the newest only")),
  el("h2", {}, "Operations"), figures(join(side(before, "operations"), side(after, "operations"),
    (one) => [one.service, one.operation]), "Operations", [
    {key: "service", title: "Service", value: (row) => row.names[0],
      cell: (row) => chip(row.names[0])},
    {key: "operation", title: "Operation", class: "grow", value: (row) => row.names[1],
      cell: (row) => short(row.names[1], 200)}], ["p50_ms", "p50"]),
  el("h2", {}, "Calls"), figures(join(side(before, "edges"), side(after, "edges"),
    (one) => [one.caller, one.callee]), "Calls", [
    {key: "from", title: "From", value: (row) => row.names[0], cell: (row) => dot(row.names[0])},
    {key: "to", title: "To", class: "grow", value: (row) => row.names[1],
      cell: (row) => dot(row.names[1])}], ["mean_ms", "mean"])];
}

async function drawComparison(out, before, after, signal) {
  const found = el("section", {}, el("p", {class: "note busy"}, "Diagnosing…"));
  const figuresBox = el("section", {}, el("p", {class: "note busy"}, "Reading traces…"));
  replace(out, el("h2", {}, "What changed"), found, figuresBox);
  const fail = (box) => (error) => {
    if (!signal.aborted) replace(box, note(error.message, "error"));
  };
  await Promise.all([
    askFindings(after, before, "", signal).then((answer) => replace(found, el("p",
      {class: "figures"}, el("span", {}, "p50 ", el("b", {}, ms(answer.baseline_p50_ms)), " → ",
      el("b", {}, ms(answer.entry_p50_ms))), el("span", {}, "unexplained ",
      el("b", {}, ms(answer.unexplained_ms)))), findingsList(answer, {range: after, baseline: before,
      isCompared: true})), fail(found)),
    get("/api/culprit/graph", {...rangeQuery(after), ...rangeQuery(before, "baseline_"),
      limit: 2000}, signal).then((graph) => replace(figuresBox, drawTables(graph)),
    fail(figuresBox)),
  ]);
}

const begin = (one) => Number(BigInt(one.minStartTimeUnixNano) / 1000000n);

// Page by page into the past; nobody knows beforehand how far that is.
async function everything(range, signal) {
  const found = new Map();
  let {end} = range;
  for (let page = 0; page < PAGES; page++) {
    const list = await summaries({range: {start: range.start, end}, limit: POINTS}, signal);
    for (const one of list) found.set(one.traceId, one);
    const first = Math.min(...list.map(begin));
    if (list.length < POINTS || first >= end) break;
    end = first;
  }
  return [...found.values()];
}

// The newest traces, and where those are not all a few of each part of the time before them.
async function overviewOf(range, signal) {
  if (range.last === "all") return everything(range, signal);
  const newest = await summaries({range, limit: POINTS}, signal);
  if (newest.length < POINTS) return newest;
  const first = newest.reduce((least, one) => Math.min(least, begin(one)), range.end);
  const size = (first - range.start) / PARTS;
  const parts = await Promise.all(Array.from({length: PARTS}, (_, index) => summaries({
    limit: PART_POINTS, range: {start: range.start + index * size,
      end: range.start + (index + 1) * size}}, signal)));
  return [...new Map([...newest, ...parts.flat()].map((one) => [one.traceId, one])).values()];
}

// The same without a pointer: both windows as times.
function byHand(before, after, overview, list, go) {
  const first = Math.min(...list.map(begin));
  const last = Math.max(...list.map(begin)) + 1000;
  const half = Math.floor((first + last) / 2);
  const controls = [rangeControl(before ?? {start: first, end: half}, "Before"),
    rangeControl(after ?? {start: half, end: last}, "After")];
  return el("details", {class: "by-hand"}, el("summary", {}, "Set both windows by hand"),
    el("form", {class: "search", on: {submit: (event) => {
      event.preventDefault();
      const [from, to] = controls.map((control) => control.read());
      go(`${address({start: from.start, end: from.end}, {start: to.start, end: to.end})}&`
        + writeRange(new URLSearchParams(), overview));
    }}}, controls.map((control) => control.element),
    el("button", {type: "submit", class: "primary"}, "Compare")));
}

// Points of a longer time, in which both windows are marked by dragging.
async function drawChooser(out, overview, before, after, go, signal) {
  const list = await overviewOf(overview, signal);
  if (list.length === 0) {
    replace(out, note("No traces in this time."));
    return;
  }
  const points = list.map((one) => {
    const start = Number(BigInt(one.minStartTimeUnixNano) / 1000n) / 1000;
    return {x: start, y: Number(BigInt(one.maxEndTimeUnixNano) - BigInt(one.minStartTimeUnixNano)),
      service: one.rootServiceName, failed: one.errorSpanCount > 0, id: one.traceId,
      words: short(`${one.rootServiceName} ${one.rootOperationName}`, 80)};
  });
  const marks = [before && {...before, kind: "before"}, after && {...after, kind: "after"}];
  const words = !before || after ? "drag: before · shift and drag: after" : "drag: after";
  replace(out, !(before && after) && el("p", {}, before || after
    ? `Now drag over the time ${before ? "after" : "before"} the change.`
    : "Drag over the time before a change, then over the time after it."),
  scatter({points, signal, marks: marks.filter(Boolean),
    open: (point) => go(`/trace/${point.id}`), brush: {words, done: (start, end, event) => {
      const chosen = {start, end};
      const isAfter = event.shiftKey || (before && !after);
      const address_ = isAfter ? address(before, chosen) : address(chosen, after && !before
        ? after : event.shiftKey ? after : null);
      go(`${address_}&${writeRange(new URLSearchParams(), overview)}`);
    }}}), list.length >= (overview.last === "all" ? POINTS * PAGES : POINTS)
    && el("p", {class: "muted"}, "A sample: there are more traces than points."),
  byHand(before, after, overview, list, go));
}

export async function show({main, params, signal, go}) {
  const [before, after] = [read(params, "before_"), read(params, "after_")];
  const overview = readRange(params);
  const control = rangeControl(overview, "Overview");
  const chooser = el("section", {}, el("p", {class: "note busy"}, "Reading…"));
  const out = el("section", {});
  const keep = writeRange(new URLSearchParams(), overview);
  replace(main, el("h1", {class: "unseen"}, "Before and after"), el("form", {class: "search", on: {
    submit: (event) => {
      event.preventDefault();
      const next = new URLSearchParams(params);
      go(`/compare?${writeRange(next, control.read())}`);
    }}}, control.element, el("button", {type: "submit", class: "primary"}, "Show"),
  before && el("span", {class: "key before"}, "before ", time(before.start), " – ",
    time(before.end, false)),
  after && el("span", {class: "key after"}, "after ", time(after.start), " – ",
    time(after.end, false)),
  before && after && el("a", {class: "aside", href: `${address(after, before)}&${keep}`}, "Swap"),
  (before || after) && el("a", {class: "aside", href: `/compare?${keep}`}, "Clear")), chooser, out);
  const draws = [drawChooser(chooser, overview, before, after, go, signal).catch((error) => {
    if (!signal.aborted) replace(chooser, note(error.message, "error"));
  })];
  if (before && after) draws.push(drawComparison(out, before, after, signal));
  await Promise.all(draws);
}
