// A flame graph (icicle) of one trace or of many: calls by path, as wide as their time. By critical
// path the widths add up to the requests' durations; by own time they are the work done, side by
// side work counted twice.

import {tint} from "./colour.js";
import {criticalPath, selfTime} from "./critical.js";
import {el, replace} from "./dom.js";
import {count, duration, percent, plural} from "./format.js";

const THINNEST = 0.0008; // of the width: less is not drawn
const DEEPEST = 200;

const nodeOf = (service, name, kind, parent) => ({service, name, kind, parent, children: new Map(),
  own: 0, total: 0, spans: 0, errors: 0, depth: parent ? parent.depth + 1 : 0, example: null});

// Sums the traces up by path; `measure` gives a span's own time.
function merge(traces, measure) {
  const top = nodeOf("", "all", "", null);
  for (const trace of traces) {
    const places = new Array(trace.spans.length);
    for (const span of trace.spans) { // parents come first
      const above = span.parent ? places[span.parent.index] : top;
      if (above.depth >= DEEPEST) {
        places[span.index] = above;
        above.own += measure(span);
        continue;
      }
      const key = `${span.service}\n${span.name}\n${span.kind}`;
      let node = above.children.get(key);
      if (!node) {
        node = nodeOf(span.service, span.name, span.kind, above);
        above.children.set(key, node);
      }
      const own = measure(span);
      if (!node.example || own > node.example.own) node.example = {own, span};
      node.own += own;
      node.spans++;
      node.errors += span.error ? 1 : 0;
      places[span.index] = node;
    }
  }
  total(top);
  return top;
}

function total(top) {
  const order = [top];
  for (let i = 0; i < order.length; i++) {
    for (const child of order[i].children.values()) order.push(child);
  }
  for (let i = order.length - 1; i >= 0; i--) {
    order[i].total += order[i].own;
    if (order[i].parent) order[i].parent.total += order[i].total;
  }
}

function boxes(focus) {
  const list = [];
  const stack = [[focus, 0, 0]];
  while (stack.length > 0) {
    const [node, left, depth] = stack.pop();
    const wide = focus.total > 0 ? node.total / focus.total : 0;
    if (wide < THINNEST) continue;
    list.push({node, left, wide, depth});
    let at = left;
    for (const child of [...node.children.values()].sort((a, b) => b.total - a.total)) {
      stack.push([child, at, depth + 1]);
      at += child.total / focus.total;
    }
  }
  return list;
}

function path(node) {
  const list = [];
  for (let at = node; at; at = at.parent) list.unshift(at);
  return list;
}

const label = (node) => node.parent ? `${node.service} ${node.name}`.slice(0, 200) : "all";

function sentence(node, top, traces) {
  const each = traces > 1 ? " a trace" : "";
  return [el("b", {}, label(node)), `${duration(node.total / traces)}${each}`,
    percent(node.total / (top.total || 1)), node.parent && `itself ${duration(node.own / traces)}`,
    node.spans > 0 && plural(node.spans, "span"),
    node.errors > 0 && el("span", {class: "bad"}, plural(node.errors, "error"))]
    .filter(Boolean).map((part) => el("span", {}, part));
}

export function flameOf(traces) {
  for (const trace of traces) {
    if (!trace.root.segments && trace.root.onPath === undefined) criticalPath(trace.root);
  }
  const measures = {critical: (span) => span.critical ?? 0, own: selfTime};
  const picture = el("div", {class: "flame", role: "group", "aria-label": "Flame graph"});
  const words = el("p", {class: "figures flame-words", role: "status"});
  const crumbs = el("nav", {class: "crumbs", "aria-label": "Path"});
  let top;

  function draw(focus) {
    const list = boxes(focus);
    const deepest = list.reduce((most, box) => Math.max(most, box.depth), 0);
    picture.style.height = `${(deepest + 1) * 22}px`;
    const say = (node) => replace(words, sentence(node, top, traces.length));
    replace(picture, list.map(({node, left, wide, depth}) => el("button", {type: "button",
      class: node.parent ? (node.errors > 0 ? "failed" : "") : "all", style: {...tint(node.service),
        left: `${left * 100}%`, width: `${wide * 100}%`, top: `${depth * 22}px`},
      "aria-label": `${label(node)}, ${duration(node.total / traces.length)}`,
      on: {click: () => draw(node), pointerenter: () => say(node), focus: () => say(node)}},
    wide > 0.02 ? label(node) : "")));
    replace(crumbs, focus.parent && path(focus).map((node) => el("button", {type: "button",
      class: "quiet", on: {click: () => draw(node)}}, label(node))),
    focus.example && el("a", {href: `/trace/${focus.example.span.traceId}?span=`
      + focus.example.span.id}, traces.length > 1 ? "an example" : "in the waterfall"));
    say(focus);
  }

  const choice = el("select", {"aria-label": "Width", on: {change: () => begin()}},
    el("option", {value: "critical"}, "time on the critical path"),
    el("option", {value: "own"}, "time of their own, also side by side"));
  function begin() {
    top = merge(traces, measures[choice.value]);
    draw(top);
  }
  begin();
  return el("section", {class: "flame-box"}, el("div", {class: "tools-row"},
    el("label", {class: "field inline"}, el("span", {}, "Width:"), choice), words,
    traces.length > 1 && el("span", {class: "muted"}, `${count(traces.length)} traces, mean`)),
  crumbs, picture);
}
