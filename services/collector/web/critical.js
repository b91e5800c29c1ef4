// Which span held the request up at each moment, by the rule of lib/diagnose/critical_path.c: from
// the root's end backwards, the child that ended last, and its own children in turn. Segments are
// disjoint and cover the root exactly, so that their sum is its duration. What nobody waits for is
// left out.

const byEnd = (a, b) => b.settledEnd - a.settledEnd || b.settledStart - a.settledStart
  || b.index - a.index;

const within = (value, low, high) => Math.min(Math.max(value, low), high);

// Cut to the parent: a child that reaches out of it holds nobody up there.
function clip(root, order) {
  root.settledStart = root.start;
  root.settledEnd = root.end;
  for (const span of order) {
    for (const child of span.children) {
      const free = child.detached;
      child.settledStart = free ? child.start
        : within(child.start, span.settledStart, span.settledEnd);
      child.settledEnd = free ? child.end : within(child.end, span.settledStart, span.settledEnd);
    }
  }
}

function under(root) {
  const order = [root];
  for (let i = 0; i < order.length; i++) for (const child of order[i].children) order.push(child);
  return order;
}

// Between hosts clocks differ a little: up to 1 % of the parent is forgiven.
const forgiven = (parent, child, over) => child.far
  && over <= Math.floor((parent.settledEnd - parent.settledStart) / 100);

function split(span, low, high, segments, windows) {
  let cursor = high;
  for (const child of [...span.children].sort(byEnd)) {
    const from = Math.max(child.settledStart, low);
    let to = Math.min(child.settledEnd, high);
    if (child.async || from >= cursor) continue;
    if (to > cursor && !forgiven(span, child, to - cursor)) continue;
    to = Math.min(to, cursor);
    if (from >= to) continue;
    if (to < cursor) segments.push({span, start: to, end: cursor});
    windows.push([child, from, to]);
    cursor = from;
  }
  if (low < cursor) segments.push({span, start: low, end: cursor});
}

// Segments in order of time; each span on the path gets `critical`: its own, in nanoseconds.
export function criticalPath(root) {
  clip(root, under(root));
  const segments = [];
  const windows = [[root, root.settledStart, root.settledEnd]];
  for (let i = 0; i < windows.length; i++) split(...windows[i], segments, windows);
  segments.sort((a, b) => a.start - b.start);
  for (const {span, start, end} of segments) {
    span.segments = span.segments ?? [];
    span.segments.push({start, end});
    span.critical = (span.critical ?? 0) + (end - start);
  }
  for (const [span, from, to] of windows) span.onPath = to - from;
  return segments;
}

// Time in the span while none of its (waited for) children ran.
export function selfTime(span) {
  let covered = 0;
  let reach = span.start;
  for (const child of span.children) { // by start
    if (child.async && !span.async) continue;
    const from = Math.max(child.start, reach);
    const to = Math.min(child.end, span.end);
    if (to <= from) continue;
    covered += to - from;
    reach = to;
  }
  return span.end - span.start - covered;
}
