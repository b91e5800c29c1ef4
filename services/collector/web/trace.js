// One trace: what it is, where its time went, and its spans as a waterfall, as a flame graph, and
// summed up by operation.

import {trace as fetchTrace} from "./api.js";
import {chip, short} from "./chip.js";
import {tint} from "./colour.js";
import {criticalPath, selfTime} from "./critical.js";
import {el, note, replace, settle} from "./dom.js";
import {flameOf} from "./flame.js";
import {count, duration, percent, plural, time} from "./format.js";
import {setKeys} from "./keys.js";
import {attach, fetchLogs, traceLogs} from "./logs.js";
import {buildAll} from "./model.js";
import {table} from "./table.js";
import {Waterfall, waterfallKeys} from "./waterfall.js";

export const name = "trace";
export const title = "Trace";

const AROUND_MS = 5 * 60 * 1000;

function copyButton(text) {
  const button = el("button", {type: "button", class: "quiet", title: "Copy", on: {
    click: async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "copied";
      } catch {
        button.textContent = "not allowed";
      }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    }}}, "copy");
  return button;
}

function head(trace) {
  const {root} = trace;
  const around = new URLSearchParams({
    start: new Date(trace.startMs - AROUND_MS).toISOString(),
    end: new Date(trace.startMs + AROUND_MS).toISOString()});
  return el("header", {class: "trace-head"},
    el("h1", {}, chip(root.service), " ", short(root.name, 300) || "–"),
    el("p", {class: "tools"}, el("a", {href: `/findings?${around}`}, "Findings around then"),
      el("a", {href: `/api/v3/traces/${trace.id}`}, "JSON")),
    el("p", {class: "figures"}, el("span", {}, el("b", {}, duration(root.end - root.start))),
      trace.length > root.end && el("span", {title: "until the last asynchronous span ended"},
        "to the last span ", el("b", {}, duration(trace.length))),
      el("span", {}, time(trace.startMs)), el("span", {}, plural(trace.spans.length, "span")),
      el("span", {}, plural(trace.services.length, "service")),
      el("span", {}, `${count(trace.depth)} deep`),
      trace.errors > 0 && el("span", {class: "bad"}, plural(trace.errors, "error")),
      el("span", {class: "id"}, el("code", {}, trace.id), copyButton(trace.id))));
}

function warnings(trace) {
  const words = [];
  if (trace.orphans > 0) {
    words.push(`${plural(trace.orphans, "span")} hang${trace.orphans === 1 ? "s" : ""} on a parent `
      + "that is not in this trace: it was lost, is late, or its service sends no spans.");
  }
  const tops = trace.tops.length - trace.orphans;
  if (tops > 1) words.push(`The trace has ${tops} roots; times are those of the first.`);
  if (trace.spans.some((span) => span.shift !== 0))
    words.push("Clocks of several hosts differ: their spans were moved.");
  return words.map((one) => note(one, "warn"));
}

// By service, the parts add up to the root's duration.
function whereTimeWent(trace, segments) {
  const total = trace.root.end - trace.root.start;
  const by = new Map();
  for (const {span, start, end} of segments)
    by.set(span.service, (by.get(span.service) ?? 0) + (end - start));
  const parts = [...by].sort((a, b) => b[1] - a[1]);
  const named = parts.filter(([, ns]) => ns >= total * 0.002);
  const rest = parts.slice(named.length);
  return el("section", {class: "went", "aria-label": "Critical path by service"},
    el("div", {class: "stack"}, parts.map(([service, ns]) => el("i", {style: {...tint(service),
      width: `${(ns / total) * 100}%`}, title: `${short(service)} ${duration(ns)}`}))),
    el("p", {}, el("span", {class: "caption"}, "Critical path"), named.map(([service, ns]) =>
      chip(service, {}, " ", el("b", {}, duration(ns)), ` ${percent(ns / total)}`)),
    rest.length > 0 && el("span", {title: rest.map(([service]) => short(service)).join(", ")},
      plural(rest.length, "other"), " ", el("b", {}, duration(rest.reduce((sum, [, ns]) => sum + ns,
        0))))));
}

function operationsOf(trace) {
  const by = new Map();
  for (const span of trace.spans) {
    const key = `${span.service}\n${span.name}\n${span.kind}`;
    const row = by.get(key) ?? {service: span.service, name: span.name, kind: span.kind, spans: 0,
      errors: 0, total: 0, own: 0, critical: 0, first: span};
    row.spans++;
    row.errors += span.error ? 1 : 0;
    row.total += span.end - span.start;
    row.own += selfTime(span);
    row.critical += span.critical ?? 0;
    by.set(key, row);
  }
  return [...by.values()];
}

function operations(trace) {
  const whole = trace.root.end - trace.root.start || 1;
  const number = (key, words, hint) => ({key, title: words, hint, numeric: true,
    value: (row) => row[key], cell: (row) => row[key] > 0 ? duration(row[key]) : "–"});
  return table({label: "Operations", rows: operationsOf(trace), sort: "critical", columns: [
    {key: "service", title: "Service", value: (row) => row.service, 
      cell: (row) => chip(row.service)},
    {key: "name", title: "Operation", class: "grow", value: (row) => row.name,
      cell: (row) => el("a", {href: `/trace/${trace.id}?span=${row.first.id}`}, short(row.name, 200) || "–")},
    {key: "kind", title: "Kind", wide: true, value: (row) => row.kind, cell: (row) => row.kind},
    {key: "spans", title: "Spans", numeric: true, wide: true, value: (row) => row.spans,
      cell: (row) => count(row.spans)},
    {key: "errors", title: "Errors", numeric: true, wide: true, value: (row) => row.errors,
      cell: (row) => row.errors ? el("span", {class: "bad"}, count(row.errors)) : ""},
    {...number("total", "Total", "sum of the spans' durations"), wide: true},
    {...number("own", "Itself", "while none of its children ran"), wide: true},
    number("critical", "Critical", "on the critical path itself"),
    {key: "share", title: "Share", numeric: true, value: (row) => row.critical,
      cell: (row) => row.critical > 0 ? percent(row.critical / whole) : ""},
  ]});
}

// The address follows what is shown, so that it can be passed on at any time.
function remember(name, value) {
  const params = new URLSearchParams(location.search);
  if (value) params.set(name, value);
  else params.delete(name);
  const text = params.toString();
  history.replaceState(null, "", text ? `${location.pathname}?${text}` : location.pathname);
}

function tabs(list, chosen) {
  const panel = el("div", {class: "panel", role: "tabpanel"});
  const buttons = list.map((one) => el("button", {type: "button", role: "tab", on: {
    click: () => {
      choose(one);
      remember("show", one === list[0] ? "" : one.key);
    }}}, one.word));
  function choose({key, draw}) {
    list.forEach((one, index) => {
      buttons[index].setAttribute("aria-selected", String(one.key === key));
      buttons[index].tabIndex = one.key === key ? 0 : -1;
    });
    document.body.dataset.tab = key;
    replace(panel, draw());
  }
  const turn = (event) => {
    const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!by) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement) + by + buttons.length;
    buttons[at % buttons.length].focus();
    buttons[at % buttons.length].click();
  };
  choose(list.find((one) => one.key === chosen) ?? list[0]);
  return [el("div", {class: "tabs", role: "tablist", on: {keydown: turn}}, buttons), panel];
}

function finder(waterfall) {
  const found = el("output", {});
  const field = el("input", {type: "search", "data-search": true, "aria-label": "Find in spans",
    placeholder: "Find in spans  /", spellcheck: "false", on: {
      input: settle(() => {
        const hits = waterfall.find(field.value);
        found.textContent = hits === null ? "" : plural(hits, "match", "matches");
      }),
      keydown: (event) => {
        if (event.key === "Enter") waterfall.next((span) => waterfall.matches?.has(span));
      }}});
  return el("div", {class: "finder"}, field, found);
}

export async function show({main, params, path, signal}) {
  const id = decodeURIComponent(path.slice("/trace/".length));
  const [resourceSpans, logs] = await Promise.all([fetchTrace(id, signal).catch((error) => {
    if (error.status === 404)
      error.message = "No such trace: it was never sent, is not here yet, or was deleted.";
    throw error;
  }), fetchLogs(id, signal)]);
  const trace = buildAll(resourceSpans)[0];
  attach(trace, logs);
  const segments = criticalPath(trace.root);
  const waterfall = new Waterfall(trace, signal, (span) => remember("span", span?.id));
  document.title = `${trace.root.service} ${trace.root.name}`.slice(0, 80) + " · Culprit";
  const [list, panel] = tabs([
    {key: "waterfall", word: "Waterfall", draw: () => waterfall.element},
    {key: "flame", word: "Flame graph", draw: () => flameOf([trace])},
    {key: "operations", word: "Operations", draw: () => operations(trace)},
    ...logs.lines.length > 0 ? [{key: "logs", word: plural(logs.lines.length, "log line"),
      draw: () => traceLogs(trace, logs)}] : [],
  ], params.get("show"));
  replace(main, head(trace), warnings(trace),
    logs.failed && note("The trace's log lines could not be read.", "warn"), whereTimeWent(trace, segments),
    el("div", {class: "tools-row"}, list, el("p", {class: "legend"}, el("i", {class: "full"}),
      "held the request up itself ", el("i", {class: "pale"}), "was waiting, or not waited for"),
    finder(waterfall)), panel);
  setKeys(waterfallKeys, waterfall.actions);
  const wanted = trace.spans.find((span) => span.id === params.get("span"));
  if (wanted) {
    waterfall.rows.open.set(wanted, 0);
    waterfall.update();
    requestAnimationFrame(() => waterfall.select(wanted, true, true));
  }
}
