// OTLP JSON as the views need it: traces as trees, each span with its times in nanoseconds since
// the trace's begin. The rules are those of lib/diagnose/tree.c: clocks of other hosts are settled,
// and what took a message from a queue is asynchronous.

const KINDS = ["", "internal", "server", "client", "producer", "consumer"];
const SHIFT_MAX_NS = 3600e9;
const NO_ID = "0000000000000000";

export function attributeValue(value) {
  if (!value) return "";
  if ("stringValue" in value) return value.stringValue;
  if ("intValue" in value) return String(value.intValue);
  if ("doubleValue" in value) return String(value.doubleValue);
  if ("boolValue" in value) return String(value.boolValue);
  if ("bytesValue" in value) return value.bytesValue;
  if ("arrayValue" in value)
    return JSON.stringify((value.arrayValue.values ?? []).map(attributeValue));
  if ("kvlistValue" in value) {
    return JSON.stringify(Object.fromEntries((value.kvlistValue.values ?? [])
      .map((one) => [one.key, attributeValue(one.value)])));
  }
  return "";
}

export const attributesOf = (list) => (list ?? []).map(({key, value}) =>
  [key, attributeValue(value)]);

const find = (list, key) => list.find(([name]) => name === key)?.[1];

function resourceOf(raw) {
  const attributes = attributesOf(raw?.attributes);
  return {
    attributes,
    service: find(attributes, "service.name") || "unknown_service",
    host: find(attributes, "host.id") || find(attributes, "host.ip")
      || find(attributes, "host.name") || "",
  };
}

function spanOf(raw, resource, scope) {
  return {
    id: raw.spanId, traceId: raw.traceId, parentId: raw.parentSpanId === NO_ID ? "" : raw.parentSpanId || "",
    name: raw.name ?? "", kind: KINDS[raw.kind ?? 0] ?? "", service: resource.service,
    resource, scope, raw,
    startUnix: BigInt(raw.startTimeUnixNano ?? 0), endUnix: BigInt(raw.endTimeUnixNano ?? 0),
    error: raw.status?.code === 2, status: raw.status ?? {},
    children: [], parent: null, depth: 0, async: false, shift: 0, far: false,
  };
}

// Every span of an answer, by trace id.
export function group(resourceSpans) {
  const traces = new Map();
  for (const one of resourceSpans) {
    const resource = resourceOf(one.resource);
    for (const {scope, spans} of one.scopeSpans ?? []) {
      for (const raw of spans ?? []) {
        const span = spanOf(raw, resource, scope ?? {});
        if (!traces.has(span.traceId)) traces.set(span.traceId, []);
        traces.get(span.traceId).push(span);
      }
    }
  }
  return traces;
}

const later = (a, b) => a.start - b.start || a.end - b.end || (a.id < b.id ? -1 : 1);

function reach(top, seen) {
  const stack = [top];
  while (stack.length > 0) {
    const span = stack.pop();
    if (seen.has(span)) continue;
    seen.add(span);
    for (const child of span.children) stack.push(child);
  }
}

// Links that go round in circles are cut where the earliest span of the circle hangs.
function cutCircles(spans, tops) {
  const seen = new Set();
  for (const top of tops) reach(top, seen);
  if (seen.size === spans.length) return;
  for (const span of [...spans].sort(later)) {
    if (seen.has(span)) continue;
    span.parent.children = span.parent.children.filter((child) => child !== span);
    span.parent = null;
    span.orphan = true;
    tops.push(span);
    reach(span, seen);
  }
}

// A span whose parent is not there stands at the top.
function link(spans) {
  const byId = new Map();
  for (const span of spans) if (!byId.has(span.id)) byId.set(span.id, span);
  for (const span of spans) {
    const parent = byId.get(span.parentId);
    span.parent = parent && parent !== span ? parent : null;
    span.orphan = !span.parent && span.parentId !== "";
    span.parent?.children.push(span);
  }
  const tops = spans.filter((span) => !span.parent);
  cutCircles(spans, tops);
  return tops;
}

function skew(parent, child) {
  const room = parent.end - parent.start;
  const size = child.end - child.start;
  if (size > room) return Math.max(0, parent.start - child.start);
  if (child.start >= parent.start && child.end <= parent.end) return 0;
  return parent.start + Math.trunc((room - size) / 2) - child.start;
}

function settleChild(parent, child) {
  child.depth = parent.depth + 1;
  child.detached = child.kind === "consumer"
    && (parent.kind === "producer" || parent.service !== child.service);
  child.async = child.detached || parent.async;
  if (child.detached) return;
  child.far = Boolean(child.resource.host && parent.resource.host
    && child.resource.host !== parent.resource.host);
  const by = child.far ? skew(parent, child) : parent.shift;
  if (by === 0 || Math.abs(by) > SHIFT_MAX_NS) return;
  child.shift = by;
  child.start += by;
  child.end += by;
}

// Depth-first order, parents before children, without recursion: a chain may be very long.
function settle(tops) {
  const order = [];
  const stack = [...tops].reverse();
  while (stack.length > 0) {
    const span = stack.pop();
    order.push(span);
    for (const child of span.children) settleChild(span, child);
    span.children.sort(later);
    for (let i = span.children.length - 1; i >= 0; i--) stack.push(span.children[i]);
  }
  return order;
}

// One trace: spans in the order of the waterfall, tops, begin, length.
export function build(id, spans) {
  const base = spans.reduce((least, span) => span.startUnix < least ? span.startUnix : least,
    spans[0].startUnix);
  for (const span of spans) {
    span.start = Number(span.startUnix - base);
    span.end = Math.max(span.start, Number(span.endUnix - base));
  }
  const tops = link(spans).sort((a, b) => Number(a.orphan) - Number(b.orphan) || later(a, b));
  const order = settle(tops);
  const length = order.reduce((most, span) => Math.max(most, span.end), 1);
  order.forEach((span, index) => { span.index = index; });
  const size = new Array(order.length).fill(1);
  for (let i = order.length - 1; i >= 0; i--) {
    if (order[i].parent) size[order[i].parent.index] += size[i];
  }
  order.forEach((span, index) => { span.below = size[index] - 1; });
  return {
    id, spans: order, tops, root: tops[0], length,
    startMs: Number(base / 1000000n), base,
    errors: order.filter((span) => span.error).length,
    orphans: order.filter((span) => span.orphan).length,
    services: [...new Set(order.map((span) => span.service))],
    depth: order.reduce((most, span) => Math.max(most, span.depth), 0) + 1,
  };
}

export function buildAll(resourceSpans) {
  return [...group(resourceSpans)].map(([id, spans]) => build(id, spans));
}
