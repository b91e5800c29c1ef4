// What is known about one span, shown in place below its row.

import {short} from "./chip.js";
import {el} from "./dom.js";
import {duration, percent, plural, time} from "./format.js";
import {spanLogs} from "./logs.js";
import {attributesOf} from "./model.js";
import {selfTime} from "./critical.js";

function pairs(list) {
  return el("dl", {class: "pairs"}, list.map(([key, value]) => [el("dt", {title: key}, key),
    el("dd", {}, value === "" ? el("span", {class: "none"}, "empty") : value)]));
}

const part = (words, ...content) => el("section", {}, el("h3", {}, words), content);

function timing(span, trace) {
  const own = selfTime(span);
  const list = [
    ["starts", `+${duration(span.start)}`],
    ["lasts", duration(span.end - span.start)],
    ["itself", `${duration(own)} (${percent(own / Math.max(1, span.end - span.start))})`],
  ];
  if (span.onPath !== undefined) {
    list.push(["on the critical path", `${duration(span.onPath)} (${percent(span.onPath
      / (trace.root.end - trace.root.start))} of the request)`], ["of that itself", duration(span.critical ?? 0)]);
  } else {
    list.push(["on the critical path", span.async ? "no: nobody waits for it" : "no"]);
  }
  if (span.shift !== 0) list.push(["clock", `moved by ${duration(span.shift)}: another host's`]);
  return el("p", {class: "timing"}, list.map(([word, value]) => el("span", {}, `${word} `,
    el("b", {}, value))));
}

function events(span) {
  const list = (span.raw.events ?? []).map((event) => ({event,
    at: Number(BigInt(event.timeUnixNano ?? 0) - span.startUnix)})).sort((a, b) => a.at - b.at);
  if (list.length === 0) return null;
  return part(plural(list.length, "event"), el("ol", {class: "events"}, list.map(({event, at}) => {
    const attributes = attributesOf(event.attributes);
    return el("li", {class: event.name === "exception" ? "failed" : undefined},
      el("span", {class: "at", title: "since the span's start"}, `+${duration(at)}`),
      el("b", {}, event.name || "event"), attributes.length > 0 && pairs(attributes));
  })));
}

function links(span) {
  const list = span.raw.links ?? [];
  if (list.length === 0) return null;
  return part(plural(list.length, "link"), el("ul", {class: "links"}, list.map((link) =>
    el("li", {}, el("a", {href: `/trace/${link.traceId}?span=${link.spanId}`},
      link.traceId === span.traceId ? `span ${link.spanId} of this trace`
        : `span ${link.spanId} of trace ${link.traceId}`),
    pairs(attributesOf(link.attributes))))));
}

function folded(words, list) {
  return list.length > 0 && el("details", {}, el("summary", {}, words), pairs(list));
}

export function detail(span, trace) {
  const attributes = attributesOf(span.raw.attributes);
  const scope = [["name", span.scope.name ?? ""], ["version", span.scope.version ?? ""]]
    .filter(([, value]) => value);
  return [
    el("h2", {}, span.name || "–"),
    span.error && el("p", {class: "failure"}, "Error",
      span.status.message ? `: ${span.status.message}` : ""),
    timing(span, trace),
    attributes.length > 0 && part("Attributes", pairs(attributes)),
    spanLogs(span),
    events(span),
    links(span),
    folded(`Process: ${short(span.service)}`, span.resource.attributes),
    folded("Identity", [["span", span.id], ["parent", span.parentId || "none"],
      ["kind", span.kind || "unspecified"], ["begin", time(trace.startMs + span.start / 1e6, true)],
      ...scope.map(([key, value]) => [`scope ${key}`, value])]),
    el("p", {class: "tools"}, el("a", {href: `/trace/${span.traceId}?span=${span.id}`},
      "Link to this span")),
  ];
}
