// Log lines of a trace: under the span that wrote them, and all of them in the order of time.

import {ApiError, get} from "./api.js";
import {chip, short} from "./chip.js";
import {el, note} from "./dom.js";
import {duration, plural} from "./format.js";
import {attributesOf, attributeValue} from "./model.js";

const MOST = 2000; // lines of a trace
const SHOWN_MAX = 2000; // characters of one text

// OpenTelemetry's severity numbers, each with three more above it.
const LEVELS = [[21, "fatal", "bad"], [17, "error", "bad"], [13, "warn", "warn"], [9, "info", ""],
  [5, "debug", "quiet"], [1, "trace", "quiet"]];

function levelOf(raw) {
  const number = raw.severityNumber ?? 0;
  const [, word, kind] = LEVELS.find(([least]) => number >= least) ?? [0, "", ""];
  return {word: raw.severityText || word, kind};
}

function lineOf(raw) {
  return {raw, unix: BigInt(raw.timeUnixNano ?? 0), words: attributeValue(raw.body),
    level: levelOf(raw), attributes: attributesOf(raw.attributes)};
}

// {lines, more, failed}: a trace without its lines is still worth showing.
export async function fetchLogs(id, signal) {
  try {
    const {logs, truncated} = await get("/api/culprit/logs", {trace_id: id, limit: MOST}, signal);
    return {lines: logs.map(lineOf), more: truncated, failed: false};
  } catch (error) {
    if (error instanceof ApiError) return {lines: [], more: false, failed: true};
    throw error;
  }
}

// Gives each span its lines. Those of a span that is not there are in the trace's list alone.
export function attach(trace, {lines}) {
  const byId = new Map(trace.spans.map((span) => [span.id, span]));
  for (const line of lines) {
    line.span = byId.get(line.raw.spanId);
    if (line.span) (line.span.logs ??= []).push(line);
  }
}

const cut = (text) => text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;

// `from`: what its time counts from.
function drawLine(line, from, hint, who) {
  const {raw, level} = line;
  return el("li", {class: level.kind || undefined},
    el("span", {class: "at", title: hint}, `+${duration(Number(line.unix - from))}`),
    el("span", {class: "level"}, short(level.word)), who,
    raw.eventName && el("span", {class: "tag", title: "event"}, short(raw.eventName)),
    el("b", {}, cut(line.words)), line.attributes.map(([key, value]) => [" ",
      el("span", {class: "said"}, el("i", {}, `${short(key)}=`), cut(value))]));
}

export function spanLogs(span) {
  const lines = span.logs ?? [];
  if (lines.length === 0) return null;
  return el("section", {}, el("h3", {}, plural(lines.length, "log line")),
    el("ol", {class: "logs"}, lines.map((line) => drawLine(line, span.startUnix,
      "since the span's start"))));
}

export function traceLogs(trace, {lines, more}) {
  return el("div", {class: "all-logs"},
    more && note(`The first ${plural(lines.length, "log line")}; there are more.`, "warn"),
    el("ol", {class: "logs"}, lines.map((line) => drawLine(line, trace.base, "since the trace's begin",
      line.span ? el("a", {href: `/trace/${trace.id}?span=${line.span.id}`,
        title: short(line.span.name, 200)}, chip(line.raw.service)) : chip(line.raw.service)))));
}
