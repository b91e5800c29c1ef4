// The service map: who calls whom, with rate, errors and p99 of each service and each call.

import {get} from "./api.js";
import {chip, short} from "./chip.js";
import {tint} from "./colour.js";
import {el, note, replace, svg} from "./dom.js";
import {count, ms, percent, plural, rate} from "./format.js";
import {layout} from "./layers.js";
import {rangeControl, rangeQuery, readRange, writeRange} from "./range.js";
import {table} from "./table.js";

export const name = "map";
export const title = "Service map";

const BOX = {wide: 138, high: 44, across: 92, down: 16};
const LABELS = 3; // calls into one service whose figures are always shown

// For rates: from the first trace's begin to the last one's are traces - 1 gaps. NaN for one trace.
export const secondsOf = ({covered_ms: covered, traces}) => traces > 1 && covered > 0
  ? (covered / 1000) * (traces / (traces - 1)) : NaN;

// Services that serve, and callees that send no spans: for those, what their callers saw.
function nodesOf(graph) {
  const nodes = new Map();
  for (const one of graph.services) {
    nodes.set(one.service, {name: one.service, calls: one.calls, errors: one.errors,
      p99: one.p99_ms, outside: false});
  }
  for (const edge of graph.edges) {
    if (!nodes.has(edge.caller)) {
      nodes.set(edge.caller, {name: edge.caller, calls: 0, errors: 0, p99: NaN, outside: false});
    }
    const known = nodes.get(edge.callee);
    if (!known) {
      nodes.set(edge.callee, {name: edge.callee, calls: edge.calls, errors: edge.errors,
        p99: edge.p99_ms, outside: edge.outside});
    } else if (known.outside) {
      known.calls += edge.calls;
      known.errors += edge.errors;
      known.p99 = Math.max(known.p99, edge.p99_ms);
    }
  }
  return [...nodes.values()];
}

const DATABASE = " (database)";
const isDatabase = (name) => name.endsWith(DATABASE);
const plain = (name) => isDatabase(name) ? name.slice(0, -DATABASE.length) : name;

const nodeFigures = (node, seconds) => node.calls > 0
  ? `${seconds > 0 ? rate(node.calls / seconds) : plural(node.calls, "call")} · p99 ${ms(node.p99)}`
  : "calls only";

const nodeWords = (node, seconds) => `${short(node.name)}: ${nodeFigures(node, seconds)}`
  + (node.calls > 0 ? ` · ${plural(node.errors, "error")}` : "")
  + (node.outside ? " · sends no spans: figures are its callers'" : "");

function drawNode(node, at, seconds, choose) {
  const failed = node.errors > 0;
  const figures = nodeFigures(node, seconds);
  return svg("g", {class: ["node", node.outside && "outside",
    failed && "failed"].filter(Boolean)
    .join(" "), transform: `translate(${at.x},${at.y})`, style: tint(node.name), tabindex: "0",
  role: "button", "aria-label": `${node.name}, ${figures}`, on: {
    click: () => choose(node.name), pointerenter: () => choose(node.name, true),
    pointerleave: () => choose(null, true), focus: () => choose(node.name, true),
    keydown: (event) => { if (event.key === "Enter") choose(node.name); }}},
  svg("title", {}, nodeWords(node, seconds)),
  svg("rect", {width: BOX.wide, height: BOX.high, rx: isDatabase(node.name) ? 12 : 4}),
  !node.outside && svg("rect", {class: "edge-mark", width: 4, height: BOX.high, rx: 2}),
  svg("text", {class: "title", x: 13, y: 18}, short(plain(node.name), failed ? 10 : 15)),
  svg("text", {class: "small", x: 13, y: 34}, figures),
  failed && svg("text", {class: "small bad", x: BOX.wide - 8, y: 18, "text-anchor": "end"},
    percent(node.errors / node.calls)));
}

const words = (edge, seconds) => `${short(edge.caller)} → ${short(edge.callee)}: `
  + `${seconds > 0 ? rate(edge.calls / seconds) : plural(edge.calls, "call")}, `
  + `${plural(edge.errors, "error")}, p50 ${ms(edge.p50_ms)}, p99 ${ms(edge.p99_ms)}`;

// Through `points`, flat where it leaves and where it comes in.
function curve(points) {
  const parts = [`M${points[0].x},${points[0].y}`];
  for (let i = 1; i < points.length; i++) {
    const [from, to] = [points[i - 1], points[i]];
    const bend = to.x <= from.x ? BOX.across : Math.max(30, (to.x - from.x) / 2);
    parts.push(`C${from.x + bend},${from.y} ${to.x - bend},${to.y} ${to.x},${to.y}`);
  }
  return parts.join(" ");
}

// The line and its label, apart: labels lie over all lines.
function drawEdge(edge, points, {most, seconds, few, mark}) {
  const d = curve(points);
  const end = points[points.length - 1];
  const wide = 0.8 + 2 * Math.sqrt(edge.calls / most);
  const failed = edge.errors > 0;
  const line = svg("g", {class: failed ? "call failed" : "call", on: {
    pointerenter: () => mark(edge), pointerleave: () => mark(null)}},
  svg("title", {}, words(edge, seconds)),
  svg("path", {class: "hit", d}),
  svg("path", {class: "edge", d, "stroke-width": wide.toFixed(2), "marker-end": "url(#arrow)"}));
  const label = svg("text", {class: few ? "label few" : "label", x: end.x - 8, y: end.y - 5,
    "text-anchor": "end"}, ms(edge.p99_ms), failed && svg("tspan", {class: "bad", x: end.x - 8,
    dy: 17}, percent(edge.errors / edge.calls)));
  return [line, label];
}

// Where each edge goes: out of its caller's middle, and into its callee at a height of its own.
function linesOf(graph, at, ways) {
  const lines = graph.edges.map((edge, index) => {
    const from = at(edge.caller);
    const between = ways[index].flatMap((place) => {
      const {x, y} = at(place);
      return [{x, y: y + BOX.high / 2}, {x: x + BOX.wide, y: y + BOX.high / 2}];
    });
    return {edge, points: [{x: from.x + BOX.wide, y: from.y + BOX.high / 2}, ...between]};
  });
  for (const line of lines) {
    const into = lines.filter(({edge}) => edge.callee === line.edge.callee)
      .sort((a, b) => a.points[a.points.length - 1].y - b.points[b.points.length - 1].y);
    const {x, y} = at(line.edge.callee);
    line.of = into.length;
    line.end = {x: x - 5, y: y + (BOX.high * (into.indexOf(line) + 1)) / (into.length + 1)};
  }
  return lines.map(({edge, points, end, of}) => ({edge, points: [...points, end],
    few: of <= LABELS}));
}

function picture(graph, nodes, seconds, mark) {
  const {places, layers, rows, ways} = layout(nodes.map((node) => node.name),
    graph.edges.map((edge) => ({from: edge.caller, to: edge.callee})));
  const at = (what) => {
    const place = typeof what === "string" ? places.get(what) : what;
    return {x: 8 + place.layer * (BOX.wide + BOX.across), y: 8 + place.row * (BOX.high + BOX.down)};
  };
  const wide = layers * (BOX.wide + BOX.across) - BOX.across + 16;
  const high = rows * (BOX.high + BOX.down) - BOX.down + 16;
  const most = Math.max(...graph.edges.map((edge) => edge.calls), 1);
  const edges = new Map(linesOf(graph, at, ways).map(({edge, points, few}) => [edge,
    drawEdge(edge, points, {most, seconds, few, mark: (one) => mark({edge: one}, true)})]));
  const boxes = new Map(nodes.map((node) => [node.name, drawNode(node, at(node.name), seconds,
    (name, passing) => mark({node: name}, passing))]));
  const drawing = svg("svg", {viewBox: `0 0 ${wide} ${high}`, width: wide, height: high,
    role: "group", "aria-label": "Service map"},
  svg("defs", {}, svg("marker", {id: "arrow", viewBox: "0 0 6 6", refX: 5, refY: 3,
    markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto"},
  svg("path", {d: "M0,0 L6,3 L0,6 z"}))), [...edges.values()].map(([line]) => line),
  [...edges.values()].map(([, label]) => label), [...boxes.values()]);
  return {drawing, edges, boxes};
}

export const dot = (name) => chip(name, {shown: plain(name)});

const number = (key, words, value, show) => ({key, title: words, numeric: true, value,
  cell: (row) => show(value(row))});

const errorShare = (row, both = true) => row.errors === 0 ? ""
  : el("span", {class: "bad"}, both ? `${count(row.errors)} (${percent(row.errors / row.calls)})`
    : percent(row.errors / row.calls));

function tables(graph, nodes, seconds, hover) {
  const shared = [number("rate", "Rate", (row) => row.calls > 0 ? row.calls / seconds : NaN, rate),
    {key: "errors", title: "Errors", numeric: true, value: (row) => row.errors / row.calls,
      cell: errorShare}];
  return el("div", {class: "pair"}, el("section", {}, el("h2", {}, "Services"), table({
    label: "Services", rows: nodes, sort: "p99", onHover: (row) => hover(row && {node: row.name}),
    columns: [{key: "name", title: "Service", class: "grow", value: (row) => row.name,
      cell: (row) => [dot(row.name), " ", row.outside && el("span", {class: "tag wide", title:
        "sends no spans: figures are its callers'"}, isDatabase(row.name) ? "database"
        : "outside")]},
    ...shared, number("p99", "p99", (row) => row.p99, ms)]})),
  el("section", {}, el("h2", {}, "Calls"), table({label: "Calls", rows: graph.edges, sort: "p99",
    onHover: (row) => hover(row && {edge: row}), columns: [
      {key: "caller", title: "From", value: (row) => row.caller, cell: (row) => dot(row.caller)},
      {key: "callee", title: "To", class: "grow", value: (row) => row.callee,
        cell: (row) => [dot(row.callee), " ", isDatabase(row.callee)
          && el("span", {class: "tag wide"}, "database")]}, ...shared,
      {...number("p50", "p50", (row) => row.p50_ms, ms), wide: true},
      number("p99", "p99", (row) => row.p99_ms, ms)]})));
}

// The same as an indented list, for a screen on which the drawing does not fit: what each service
// calls, below its first appearance.
function callTree(graph, nodes, seconds) {
  const known = new Map(nodes.map((node) => [node.name, node]));
  const called = new Set(graph.edges.map((edge) => edge.callee));
  const told = new Set();
  const rows = [];
  const add = (start, edge, depth) => {
    const stack = [[start, edge, depth]];
    while (stack.length > 0) {
      const [name, by, level] = stack.pop();
      rows.push({name, level, again: told.has(name), ...(by ?? {calls: known.get(name).calls,
        errors: known.get(name).errors, p99_ms: known.get(name).p99})});
      if (told.has(name)) continue;
      told.add(name);
      for (const next of graph.edges.filter((one) => one.caller === name)
        .sort((a, b) => a.p99_ms - b.p99_ms)) stack.push([next.callee, next, level + 1]);
    }
  };
  for (const node of nodes) if (!called.has(node.name)) add(node.name, null, 0);
  for (const node of nodes) if (!told.has(node.name)) add(node.name, null, 0);
  return table({label: "Who calls whom", rows, columns: [
    {key: "name", title: "Service, and what it calls", class: "grow", cell: (row) => el("span", {
      style: {"padding-left": `${Math.min(row.level, 12) * 12}px`}}, dot(row.name),
    row.again && el("span", {class: "muted"}, " ↑"))},
    {key: "rate", title: "Rate", numeric: true, cell: (row) => row.calls > 0
      ? rate(row.calls / seconds) : ""},
    {key: "errors", title: "Errors", numeric: true, cell: (row) => errorShare(row, false)},
    {key: "p99", title: "p99", numeric: true, cell: (row) => ms(row.p99_ms)}]});
}

const HINT = "At the arrows: p99, and in red the share of errors. Point at a service or a call for "
  + "more.";

function draw(out, graph) {
  const seconds = secondsOf(graph);
  const nodes = nodesOf(graph);
  const said = el("p", {class: "muted map-words", role: "status"}, HINT);
  let held = null;

  function light(what) {
    const {drawing, edges, boxes} = shown;
    const on = ([edge]) => what?.edge ? edge === what.edge
      : edge.caller === what?.node || edge.callee === what?.node;
    drawing.classList.toggle("choosing", Boolean(what?.node || what?.edge));
    const near = new Set(what?.node ? [what.node] : []);
    for (const pair of edges) {
      for (const part of pair[1]) part.classList.toggle("on", on(pair));
      if (on(pair)) near.add(pair[0].caller).add(pair[0].callee);
    }
    for (const [key, box] of boxes) box.classList.toggle("on", near.has(key));
    const node = what?.node && nodes.find((one) => one.name === what.node);
    said.textContent = what?.edge ? words(what.edge, seconds) : node ? nodeWords(node, seconds)
      : HINT;
  }

  const some = (what) => what?.node || what?.edge ? what : held;
  const shown = picture(graph, nodes, seconds, (what, passing) => {
    if (!passing) held = held?.node === what.node ? null : what;
    light(passing ? some(what) : held);
  });
  replace(out, el("p", {class: "figures"}, el("b", {}, plural(graph.traces, "trace")),
    el("span", {}, plural(graph.spans, "span")),
    seconds > 0 && el("span", {}, `over ${ms(graph.covered_ms)}`),
    graph.truncated && el("span", {class: "tag", title: "a bounded number of traces is read"},
      "the newest only")),
  el("div", {class: "map scroll"}, shown.drawing), said,
  el("div", {class: "call-tree"}, callTree(graph, nodes, seconds)),
  tables(graph, nodes, seconds, (what) => light(some(what))));
}

export async function show({main, params, signal, go}) {
  const range = readRange(params);
  const control = rangeControl(range);
  const out = el("section", {}, el("p", {class: "note busy"}, "Reading traces…"));
  replace(main, el("h1", {class: "unseen"}, "Service map"), el("form", {class: "search",
    on: {submit: (event) => {
      event.preventDefault();
      go(`/map?${writeRange(new URLSearchParams(), control.read())}`);
    }}}, control.element, el("button", {type: "submit", class: "primary"}, "Show")), out);
  try {
    const answer = await get("/api/culprit/graph", {...rangeQuery(range), limit: 2000}, signal);
    if (answer.window.traces === 0) replace(out, note("No traces in this time."));
    else draw(out, answer.window);
  } catch (error) {
    if (signal.aborted) throw error;
    replace(out, note(error.message, "error"));
  }
}
