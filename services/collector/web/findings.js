// Findings: what the diagnosis of the traces of a window says, each with its evidence.

import {get} from "./api.js";
import {chip, short} from "./chip.js";
import {tint} from "./colour.js";
import {el, note, replace} from "./dom.js";
import {count, ms, percent, plural, time} from "./format.js";
import {hasRange, rangeControl, rangeQuery, readRange, writeRange} from "./range.js";

export const name = "findings";
export const title = "Findings";

const SURETY = {proved: "proved", strong: "strong", hint: "a hint only"};

const words = (text) => text.replaceAll("_", " ").replace("n plus one", "N+1");

// What tells a finding from the others of its windows, and reads well in an address.
const keyOf = (finding) => `${finding.kind} ${finding.service} ${finding.operation}`;

// A finding's own address: windows that end "now" stand still in it.
function addressOf(finding, {range, baseline, service}) {
  const params = writeRange(new URLSearchParams(), {start: range.start, end: range.end});
  if (baseline) writeRange(params, {start: baseline.start, end: baseline.end}, "baseline_");
  if (service) params.set("service", service);
  params.set("finding", keyOf(finding));
  return `/findings?${params}`;
}

function gate({name: label, value, threshold}) {
  const show = (number) => Number.isInteger(number) ? count(number) : String(+number.toPrecision(3));
  const share = threshold > 0 ? Math.min(1, value / (threshold * 2)) : 1;
  return el("tr", {}, el("th", {scope: "row"}, label), el("td", {class: "number"}, show(value)),
    el("td", {class: "number muted"}, `at least ${show(threshold)}`),
    el("td", {class: "gate"}, el("i", {class: value >= threshold ? "held" : "missed",
      style: {width: `${share * 100}%`}})));
}

function exemplars(finding, most) {
  const bar = (value, kind) => el("span", {class: `gauge ${kind}`}, el("i", {style: {
    "--share": String(value / most)}}), el("b", {}, ms(value)));
  return el("ul", {class: "exemplars"}, finding.evidence.spans.map((one) => el("li", {},
    el("a", {href: `/trace/${one.trace_id}?span=${one.span_id}`}, "trace ",
      el("code", {}, one.trace_id.replace(/^0{8,24}/, "").slice(0, 8))), bar(one.before_ms, "now"),
    finding.saving_ms > 0 && bar(one.after_ms, "fixed"))));
}

function card(finding, asked) {
  const isChosen = keyOf(finding) === asked.finding;
  const most = Math.max(...finding.evidence.spans.map((one) => one.before_ms), 0.001);
  return el("article", {class: `finding ${finding.confidence}${isChosen ? " chosen" : ""}`,
    style: tint(finding.service), tabindex: isChosen ? "-1" : undefined},
    el("header", {}, el("h2", {}, words(finding.kind)),
      chip(finding.service), el("b", {}, short(finding.operation, 120)),
      finding.peer && el("span", {class: "muted"}, `→ ${short(finding.peer.replaceAll(",", ", "), 120)}`),
      el("a", {class: "own", href: addressOf(finding, asked),
        title: "This finding alone, as an address to pass on"}, "Link")),
    el("p", {class: "figures"},
      finding.saving_ms > 0 && el("span", {class: "saving"}, "saves ",
        el("b", {}, ms(finding.saving_ms))),
      el("span", {}, "costs ", el("b", {}, ms(finding.cost_ms))),
      el("span", {}, el("b", {}, percent(finding.prevalence)), " of ", short(finding.entry, 120)),
      el("span", {}, plural(finding.support, "request")),
      el("span", {class: `tag ${finding.state}`}, finding.state),
      el("span", {class: `tag ${finding.confidence}`}, SURETY[finding.confidence])),
    el("p", {class: "summary"}, finding.summary),
    finding.evidence.spans.length > 0 && el("section", {}, el("h3", {}, "Evidence",
      el("span", {class: "muted"}, finding.saving_ms > 0 ? " as it was, and replayed with the fix"
        : " one request each")),
    exemplars(finding, most)),
    el("details", {}, el("summary", {}, "Why it is believed"),
      el("table", {class: "gates"}, el("tbody", {}, finding.evidence.gates.map(gate))),
      finding.ruled_out.length > 0 && [el("h3", {}, "Ruled out"),
        el("ul", {}, finding.ruled_out.map((one) => el("li", {}, one)))]));
}

const span = (range) => range.start === 0 ? "all traces"
  : `${time(range.start)} – ${time(range.end)}`;

function summary(answer, range, baseline) {
  const {window: now} = answer;
  return [el("p", {class: "figures"},
    el("b", {}, plural(answer.findings.length, "finding")),
    el("span", {}, plural(now.traces, "trace"), now.truncated && " (the newest)"),
    el("span", {}, plural(answer.requests, "whole request")),
    answer.partial_traces > 0 && el("span", {}, plural(answer.partial_traces, "other trace")),
    answer.entry_p50_ms > 0 && el("span", {}, "p50 ", el("b", {}, ms(answer.entry_p50_ms)),
      answer.baseline_p50_ms > 0 && ` from ${ms(answer.baseline_p50_ms)}`),
    answer.with_baseline && el("span", {title: "growth that no finding accounts for"},
      "unexplained ", el("b", {}, ms(answer.unexplained_ms)))),
  el("p", {class: "muted"}, span(range), baseline ? ` against ${span(baseline)}`
    : ": without a baseline, what always was so shows too")];
}

const WORTH_A_WORD = 0.1; // of the median request

function nothing(answer, {range, baseline, isCompared}) {
  if (answer.window.traces === 0) return note("No traces in this time.");
  if (!baseline || !(answer.unexplained_ms > answer.baseline_p50_ms * WORTH_A_WORD))
    return note("Nothing found: no trouble that passes every gate.");
  const windows = writeRange(writeRange(new URLSearchParams(), baseline, "before_"), range,
    "after_");
  return note(["No trouble passes every gate, and yet the median request takes ",
    `${ms(answer.unexplained_ms)} more. The windows may mix several states, or hold too few `
    + "requests of each. ", !isCompared && el("a", {href: `/compare?${windows}`},
    "Where the time went")]);
}

// The list alone, for other views as well. `asked`: {range, baseline, service, finding,
// isCompared}.
export function findingsList(answer, asked) {
  if (answer.findings.length === 0) return nothing(answer, asked);
  return [asked.finding && !answer.findings.some((one) => keyOf(one) === asked.finding)
    && note("The finding of this address is not among those of its time.", "warn"),
  el("div", {class: "findings"}, answer.findings.map((one) => card(one, asked)))];
}

export const askFindings = (range, baseline, service, signal) => get("/api/culprit/findings",
  {...rangeQuery(range), ...(baseline ? rangeQuery(baseline, "baseline_") : {}), service,
    limit: 2000}, signal);


export async function show({main, params, signal, go, services}) {
  if (params.has("was")) params.set("baseline_at", params.get("was")); // in short
  const range = readRange(params);
  const baseline = hasRange(params, "baseline_") ? readRange(params, "baseline_") : null;
  const control = rangeControl(range);
  const before = baseline && rangeControl(baseline, "Against");
  const service = el("select", {"data-search": true}, el("option", {value: ""}, "all"),
    services.map((one) => el("option", {value: one, selected: one === params.get("service")},
      short(one))));
  const out = el("section", {}, el("p", {class: "note busy"}, "Diagnosing…"));
  replace(main, el("h1", {class: "unseen"}, "Findings"), el("form", {class: "search", on: {
    submit: (event) => {
      event.preventDefault();
      const next = writeRange(new URLSearchParams(), control.read());
      if (before) writeRange(next, before.read(), "baseline_");
      if (service.value) next.set("service", service.value);
      go(`/findings?${next}`);
    }}}, el("label", {class: "field"}, el("span", {}, "Traces with"), service), control.element,
  before?.element, el("button", {type: "submit", class: "primary"}, "Diagnose"),
  el("a", {class: "aside", href: "/compare"}, baseline ? "Choose windows" : "With a baseline")),
  out);
  try {
    const answer = await askFindings(range, baseline, params.get("service"), signal);
    replace(out, summary(answer, range, baseline), findingsList(answer, {range, baseline,
      service: params.get("service"), finding: params.get("finding")}));
    const chosen = out.querySelector(".chosen");
    chosen?.focus({preventScroll: true});
    chosen?.scrollIntoView({block: "center"});
  } catch (error) {
    if (signal.aborted) throw error;
    replace(out, note(error.message, "error"));
  }
}
