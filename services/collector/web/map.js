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

const BOX = {wide: 148, high: 44, across: 84, down: 16};

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

function drawNode(node, at, seconds, choose) {
  const failed = node.errors > 0;
  const figures = node.calls > 0
    ? `${seconds > 0 ? rate(node.calls / seconds) : plural(node.calls, "call")} · p99 ${ms(node.p99)}`
    : "calls only";
  return svg("g", {class: ["node", node.outside && "outside",
    failed && "failed"].filter(Boolean)
    .join(" "), transform: `translate(${at.x},${at.y})`, style: tint(node.name), tabindex: "0",
  role: "button", "aria-label": `${node.name}, ${figures}`, on: {
    click: () => choose(node.name), pointerenter: () => choose(node.name, true),
    pointerleave: () => choose(null, true), focus: () => choose(node.name, true),
    keydown: (event) => { if (event.key === "Enter") choose(node.name); }}},
  svg("title", {}, `${short(node.name)}\n${figures}\n${plural(node.errors, "error")} of `
    + plural(node.calls, "call")),
  svg("rect", {width: BOX.wide, height: BOX.high, rx: isDatabase(node.name) ? 12 : 4}),
  !node.outside && svg("rect", {class: "edge-mark", width: 4, height: BOX.high, rx: 2}),
  svg("text", {class: "title", x: 13, y: 18}, short(plain(node.name), 19)),
  svg("text", {class: "small", x: 13, y: 34}, figures),
  failed && svg("text", {class: "small bad", x: BOX.wide - 8, y: 18, "text-anchor": "end"},
    percent(node.errors / node.calls)));
}

function drawEdge(edge, from, to, most) {
  const back = to.x <= from.x;
  const x1 = from.x + BOX.wide;
  const x2 = to.x;
  const y1 = from.y + BOX.high / 2;
  const y2 = to.y + BOX.high / 2;
  const bend = back ? BOX.across : Math.max(30, (x2 - x1) / 2);
  const wide = 1 + 3 * Math.sqrt(edge.calls / most);
  return svg("path", {class: edge.errors > 0 ? "edge failed" : "edge",
    d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2 - 5},${y2}`,
    "stroke-width": wide.toFixed(2), "marker-end": "url(#arrow)"},
  svg("title", {}, `${short(edge.caller)} → ${short(edge.callee)}: ${plural(edge.calls, "call")}, `
    + `${plural(edge.errors, "error")}, p50 ${ms(edge.p50_ms)}, p99 ${ms(edge.p99_ms)}`));
}

function picture(graph, nodes, seconds, mark) {
  const {places, layers, rows} = layout(nodes.map((node) => node.name),
    graph.edges.map((edge) => ({from: edge.caller, to: edge.callee})), innerWidth > 640);
  const at = (name) => {
    const place = places.get(name);
    return {x: 8 + place.layer * (BOX.wide + BOX.across), y: 8 + place.row * (BOX.high + BOX.down)};
  };
  const wide = layers * (BOX.wide + BOX.across) - BOX.across + 16;
  const high = rows * (BOX.high + BOX.down) - BOX.down + 16;
  const most = Math.max(...graph.edges.map((edge) => edge.calls), 1);
  const edges = new Map(graph.edges.map((edge) => [edge, drawEdge(edge, at(edge.caller),
    at(edge.callee), most)]));
  const boxes = new Map(nodes.map((node) => [node.name, drawNode(node, at(node.name), seconds,
    mark)]));
  const drawing = svg("svg", {viewBox: `0 0 ${wide} ${high}`, width: wide, height: high,
    role: "group", "aria-label": "Service map"},
  svg("defs", {}, svg("marker", {id: "arrow", viewBox: "0 0 6 6", refX: 5, refY: 3,
    markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto"},
  svg("path", {d: "M0,0 L6,3 L0,6 z"}))), [...edges.values()], [...boxes.values()]);
  return {drawing, edges, boxes};
}

const dot = (name) => chip(name, {shown: plain(name)});

const number = (key, words, value, show) => ({key, title: words, numeric: true, value,
  cell: (row) => show(value(row))});

const errorShare = (row) => row.errors === 0 ? ""
  : el("span", {class: "bad"}, `${count(row.errors)} (${percent(row.errors / row.calls)})`);

function tables(graph, nodes, seconds, hover) {
  const shared = [number("rate", "Rate", (row) => row.calls / seconds, rate),
    {key: "errors", title: "Errors", numeric: true, value: (row) => row.errors / row.calls,
      cell: errorShare}];
  return el("div", {class: "pair"}, el("section", {}, el("h2", {}, "Services"), table({
    label: "Services", rows: nodes, sort: "p99", onHover: (row) => hover(row && {node: row.name}),
    columns: [{key: "name", title: "Service", class: "grow", value: (row) => row.name,
      cell: (row) => [dot(row.name), " ", row.outside && el("span", {class: "tag", title:
        "sends no spans: figures are its callers'"}, isDatabase(row.name) ? "database"
        : "outside")]},
    ...shared, number("p99", "p99", (row) => row.p99, ms)]})),
  el("section", {}, el("h2", {}, "Calls"), table({label: "Calls", rows: graph.edges, sort: "p99",
    onHover: (row) => hover(row && {edge: row}), columns: [
      {key: "caller", title: "From", value: (row) => row.caller, cell: (row) => dot(row.caller)},
      {key: "callee", title: "To", class: "grow", value: (row) => row.callee,
        cell: (row) => [dot(row.callee), " ", isDatabase(row.callee)
          && el("span", {class: "tag"}, "database")]}, ...shared,
      number("p50", "p50", (row) => row.p50_ms, ms),
      number("p99", "p99", (row) => row.p99_ms, ms)]})));
}

function draw(out, graph) {
  const seconds = secondsOf(graph);
  const nodes = nodesOf(graph);
  let held = null;
  const light = (name) => {
    const {drawing, edges, boxes} = shown;
    drawing.classList.toggle("choosing", Boolean(name));
    const near = new Set([name]);
    for (const [edge, path] of edges) {
      const on = edge.caller === name || edge.callee === name;
      path.classList.toggle("on", on);
      if (on) near.add(edge.caller).add(edge.callee);
    }
    for (const [key, box] of boxes) box.classList.toggle("on", near.has(key));
  };
  const shown = picture(graph, nodes, seconds, (name, passing) => {
    if (!passing) held = held === name ? null : name;
    light(name && passing ? name : held);
  });
  const hover = (what) => {
    light(what?.node ?? held);
    if (!what?.edge) return;
    shown.drawing.classList.add("choosing");
    shown.edges.get(what.edge).classList.add("on");
    shown.boxes.get(what.edge.caller).classList.add("on");
    shown.boxes.get(what.edge.callee).classList.add("on");
  };
  replace(out, el("p", {class: "figures"}, el("b", {}, plural(graph.traces, "trace")),
    el("span", {}, plural(graph.spans, "span")),
    seconds > 0 && el("span", {}, `over ${ms(graph.covered_ms)}`),
    graph.truncated && el("span", {class: "tag", title: "a bounded number of traces is read"},
      "the newest only")),
  el("div", {class: "map scroll"}, shown.drawing), tables(graph, nodes, seconds, hover));
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
