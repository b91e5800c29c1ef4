// Search: which traces, as points over time and as a list.

import {operations, summaries} from "./api.js";
import {chip, short} from "./chip.js";
import {el, note, replace} from "./dom.js";
import {count, duration, plural, time} from "./format.js";
import {setKeys} from "./keys.js";
import {rangeControl, readRange, writeRange} from "./range.js";
import {scatter} from "./scatter.js";
import {table} from "./table.js";

export const name = "search";
export const title = "Traces";

const FIELDS = ["service", "operation", "min", "max", "tags"];
const SEARCH_MS = 2000;
const LIMITS = [20, 50, 100, 200, 500, 1500];
const USUAL = 500; // half a minute of a busy demonstration: enough to see a change

export function readSearch(params) {
  const search = Object.fromEntries(FIELDS.map((field) => [field, params.get(field) ?? ""]));
  search.limit = Number(params.get("limit")) || USUAL;
  search.range = readRange(params);
  return search;
}

export function searchParams(search) {
  const params = new URLSearchParams();
  for (const field of FIELDS) if (search[field]) params.set(field, search[field]);
  if (search.limit !== USUAL) params.set("limit", search.limit);
  return writeRange(params, search.range);
}

const field = (label, control) => el("label", {class: "field"}, el("span", {}, label), control);

const option = (value, words, chosen) => el("option", {value, selected: value === chosen}, short(words));

// The form that search and flame graph share. `send` gets the search.
export function searchForm(search, services, signal, send, submit = "Search") {
  const service = el("select", {"data-search": true, name: "service"},
    option("", "all", search.service), services.map((one) => option(one, one, search.service)));
  const operation = el("select", {name: "operation"}, option("", "all", search.operation));
  const text = (key, size, hint) => el("input", {name: key, size, placeholder: hint,
    value: search[key], autocomplete: "off", spellcheck: "false"});
  const min = text("min", 6, "10ms");
  const max = text("max", 6, "1.5s");
  const tags = text("tags", 22, "error=true http.route=…");
  const limit = el("select", {name: "limit"}, LIMITS.map((one) => option(String(one), count(one),
    String(search.limit))));
  const range = rangeControl(search.range);

  async function listOperations() {
    const of = service.value;
    const found = of ? await operations(of, signal).catch(() => []) : [];
    const names = search.operation && of === search.service && !found.includes(search.operation)
      ? [search.operation, ...found] : found;
    replace(operation, option("", "all", search.operation),
      names.map((one) => option(one, one, search.operation)));
    operation.disabled = !of;
  }

  service.addEventListener("change", listOperations);
  listOperations();
  return el("form", {class: "search", on: {submit: (event) => {
    event.preventDefault();
    send({service: service.value, operation: operation.value, min: min.value.trim(),
      max: max.value.trim(), tags: tags.value.trim(), limit: Number(limit.value),
      range: range.read()});
  }}}, field("Service", service), field("Operation", operation), field("Longer than", min),
  field("Shorter than", max), field("Attributes", tags), field("Limit", limit), range.element,
  el("button", {type: "submit", class: "primary"}, submit));
}

function toRow(summary) {
  const start = Number(BigInt(summary.minStartTimeUnixNano) / 1000n) / 1000;
  return {
    id: summary.traceId, start,
    length: Number(BigInt(summary.maxEndTimeUnixNano) - BigInt(summary.minStartTimeUnixNano)),
    service: summary.rootServiceName, operation: summary.rootOperationName,
    spans: summary.spanCount, errors: summary.errorSpanCount, orphans: summary.orphanSpanCount,
    services: [...summary.services].sort((a, b) => b.spanCount - a.spanCount),
  };
}

const href = (row) => `/trace/${row.id}`;

const member = ({name: service, spanCount, errorSpanCount}) => chip(service, {
  kind: errorSpanCount ? "failed" : "", title: `${short(service)}: ${plural(spanCount, "span")}`
    + (errorSpanCount ? `, ${plural(errorSpanCount, "error")}` : "")});

function list(rows) {
  const most = Math.max(...rows.map((row) => row.length), 1);
  return table({
    label: "Traces", rows, sort: "time", href,
    columns: [
      {key: "time", title: "Time", class: "when", value: (row) => row.start,
        cell: (row) => time(row.start)},
      {key: "root", title: "Root", class: "root",
        value: (row) => `${row.service} ${row.operation}`,
        cell: (row) => el("a", {href: href(row)}, chip(row.service), " ",
          el("b", {}, short(row.operation, 120) || "–"))},
      {key: "length", title: "Duration", class: "length", value: (row) => row.length,
        cell: (row) => el("span", {class: "gauge"}, el("i", {style: {"--share":
          String(row.length / most)}}), el("b", {}, duration(row.length)))},
      {key: "spans", title: "Spans", numeric: true, wide: true, value: (row) => row.spans,
        cell: (row) => count(row.spans)},
      {key: "errors", title: "Errors", numeric: true, value: (row) => row.errors + row.orphans / 1e6,
        cell: (row) => [row.errors ? el("span", {class: "bad"}, count(row.errors)) : "",
          row.orphans ? el("span", {class: "tag", title: "spans whose parent is not there"},
            plural(row.orphans, "orphan")) : ""]},
      {key: "services", title: "Services", class: "services",
        value: (row) => row.services.length,
        cell: (row) => el("div", {class: "chips"}, el("span", {class: "few"},
          row.services.length), row.services.map(member))},
    ],
  });
}

function figures(rows) {
  const lengths = rows.map((row) => row.length).sort((a, b) => a - b);
  const at = (q) => lengths[Math.max(0, Math.ceil(q * lengths.length) - 1)];
  const failed = rows.filter((row) => row.errors > 0).length;
  return el("p", {class: "figures"}, el("b", {}, plural(rows.length, "trace")),
    el("span", {}, "p50 ", el("b", {}, duration(at(0.5)))),
    el("span", {}, "p90 ", el("b", {}, duration(at(0.9)))),
    el("span", {}, "p99 ", el("b", {}, duration(at(0.99)))),
    failed > 0 && el("span", {}, el("b", {class: "bad"}, count(failed)), " with errors"));
}

export async function show({main, params, signal, go, services}) {
  const search = readSearch(params);
  const out = el("section", {class: "results", "aria-label": "Results"},
    el("p", {class: "note busy"}, "Searching…"));
  const send = (asked) => go(`/search?${searchParams(asked)}`);
  replace(main, el("h1", {class: "unseen"}, "Traces"),
    searchForm(search, services, signal, send), out);
  setKeys([["Enter", "open the chosen trace"], ["j / k", "next, previous trace"]], {
    j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1)});
  let rows;
  const began = performance.now();
  try {
    rows = (await summaries(search, signal)).map(toRow);
  } catch (error) {
    if (signal.aborted) throw error;
    replace(out, note(error.message, "error"));
    return;
  }
  // The collector looks for a bounded time and answers with what it has by then.
  const isCut = rows.length < search.limit && performance.now() - began >= SEARCH_MS;
  if (rows.length === 0) {
    replace(out, note(isCut ? "Nothing found before the time for a search was up. A shorter time "
      + "may find more." : services.length === 0
      ? "No traces yet. They come in at POST /v1/traces on the OTLP port."
      : "No trace matches. A longer time, or fewer conditions, may find some."));
    return;
  }
  const query = searchParams(search).toString();
  replace(out, el("div", {class: "headline"}, figures(rows),
    isCut && el("span", {class: "tag", title: "the time for a search was up"}, "maybe not all"),
    rows.length >= search.limit && el("span", {class: "tag", title: "as many as the limit says"},
      "the newest only"),
    el("a", {href: `/flame?${query}`}, "Flame graph of these"),
    el("a", {href: `/findings?${writeRange(new URLSearchParams(), search.range)}`}, "Findings")),
  scatter({points: rows.map((row) => ({x: row.start, y: row.length, service: row.service,
    failed: row.errors > 0, id: row.id, words: short(`${row.service} ${row.operation}`, 80)})),
  open: (point) => go(href(point)), signal,
  brush: {words: "drag to search within", done: (start, end) =>
    send({...search, range: {start, end}})}}), list(rows));
}

function step(by) {
  const links = [...document.querySelectorAll("td.root a")];
  const at = links.indexOf(document.activeElement);
  links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
}
