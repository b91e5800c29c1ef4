// A plot as SVG: axes with units, a legend, values under the pointer, and the same as a table.

const HEIGHT = 236;
const EDGE = {left: 58, right: 14, top: 10, bottom: 38};

function niceStep(span, most) {
  const rough = span / Math.max(1, most) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((factor) => power * factor >= rough) ?? 10);
}

function linearTicks(low, high, most) {
  const step = niceStep(high - low, most);
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-6; i++)
    ticks.push(+(i * step).toPrecision(12));
  return ticks;
}

function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const factors = decades > 2.5 ? [1] : decades > 1.2 ? [1, 3] : [1, 2, 3, 5, 7];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  return ticks;
}

// From a value to a share of the axis.
function scaleOf({low, high, isLog}) {
  if (!isLog) return (value) => (value - low) / (high - low || 1);
  const [from, to] = [Math.log10(low), Math.log10(high)];
  return (value) => (Math.log10(Math.max(value, low)) - from) / (to - from || 1);
}

function valueRange(series, isLog) {
  const values = series.flatMap(({points}) => points.map(([, y]) => y))
    .filter((y) => Number.isFinite(y) && (!isLog || y > 0));
  const high = Math.max(...values, isLog ? 1e-3 : 1e-6);
  if (!isLog) return {low: 0, high: high * 1.06, isLog};
  const low = Math.min(...values, high);
  return {low: low / 1.25, high: high * 1.25, isLog};
}

// Runs without a gap: a value of null ends one.
function runsOf(points) {
  const runs = [[]];
  for (const point of points) {
    if (Number.isFinite(point[1])) runs[runs.length - 1].push(point);
    else if (runs[runs.length - 1].length > 0) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

function drawLine(one, x, y) {
  return runsOf(one.points).map((run) => run.length === 1
    ? svg("circle", {class: "dot", r: 2, cx: x(run[0][0]), cy: y(run[0][1]),
      style: {"--ink": one.ink}})
    : svg("path", {class: `line ${one.dashed ? "dashed" : ""}`, style: {"--ink": one.ink},
      d: run.map(([px, py], i) => `${i ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
        .join("")}));
}

// Bars from `base` up to a value; a point is [middle, value, from, to, base].
function drawBars(one, x, y) {
  return one.points.filter(([, value, , , base]) => value > base).map(([, value, from, to, base]) =>
    svg("rect", {class: "area", style: {"--ink": one.ink}, x: x(from).toFixed(1),
      y: y(value).toFixed(1), width: Math.max(0.6, x(to) - x(from) - 0.6).toFixed(1),
      height: Math.max(0, y(base) - y(value)).toFixed(1)}));
}

function drawAxes(plot, x, y, width) {
  const bottom = HEIGHT - EDGE.bottom;
  const across = plot.y.ticks.map((tick) => [
    svg("line", {class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(tick), y2: y(tick)}),
    svg("text", {x: EDGE.left - 6, y: y(tick) + 4, "text-anchor": "end"}, plot.y.show(tick))]);
  const along = plot.x.ticks.filter((tick) => x(tick) <= width - EDGE.right + 1).map((tick) => [
    svg("line", {class: "axis", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4}),
    svg("text", {x: Math.min(x(tick), width - 20), y: bottom + 16, "text-anchor": "middle"},
      plot.x.show(tick))]);
  return [across, svg("line", {class: "axis", x1: EDGE.left, x2: width - EDGE.right, y1: bottom,
    y2: bottom}), along, svg("text", {x: (EDGE.left + width - EDGE.right) / 2, y: HEIGHT - 4,
    "text-anchor": "middle"}, plot.x.title)];
}

function legend(series) {
  return el("div", {class: "legend"}, series.map((one) =>
    el("span", {}, el("i", {class: one.isBars ? "bars" : "", style: {"--ink": one.ink}}),
      one.name)));
}

function asTable(plot) {
  const rows = plot.series[0].points.map(([at], i) => [at, ...plot.series.map((one) =>
    one.isLoose ? undefined : one.value ? one.value(i) : one.points[i]?.[1])]);
  const shown = plot.series.map((one, i) => [one, i]).filter(([one]) => !one.isLoose);
  return el("details", {}, el("summary", {}, "As a table"), table(
    [[plot.x.name, (row) => plot.x.exact(row[0]), "number"], ...shown.map(([one, i]) =>
      [one.name, (row) => plot.y.exact(row[i + 1]), "number"])], rows));
}

// What stands under the pointer: the nearest point of the first series, and the others' there.
function tipWords(plot, at) {
  return [el("span", {}, plot.x.exact(plot.series[0].points[at][0])),
    plot.series.filter((one) => !one.isLoose && one.points[at]).map((one) =>
      el("span", {}, el("i", {style: {"--ink": one.ink}}), one.name,
        el("b", {}, plot.y.exact(one.value ? one.value(at) : one.points[at][1]))))];
}

function hover(plot, frame, tip, places) {
  const cursor = svg("line", {class: "cursor", y1: EDGE.top, y2: HEIGHT - EDGE.bottom});
  cursor.style.display = "none";
  frame.addEventListener("pointermove", (event) => {
    const box = frame.getBoundingClientRect();
    const at = (event.clientX - box.left) * (places.width / box.width);
    let best = 0;
    places.xs.forEach((px, i) => {
      if (Math.abs(px - at) < Math.abs(places.xs[best] - at)) best = i;
    });
    cursor.setAttribute("x1", places.xs[best]);
    cursor.setAttribute("x2", places.xs[best]);
    cursor.style.display = "";
    replace(tip, tipWords(plot, best));
    tip.hidden = false;
    const px = places.xs[best] * (box.width / places.width);
    tip.style.left = `${px > box.width / 2 ? Math.max(0, px - tip.offsetWidth - 10) : px + 10}px`;
  });
  frame.addEventListener("pointerleave", () => {
    tip.hidden = true;
    cursor.style.display = "none";
  });
  return cursor;
}

function draw(plot, frame, tip) {
  const width = Math.max(260, frame.clientWidth || 600);
  const across = scaleOf(plot.x);
  const up = scaleOf(plot.y);
  const x = (value) => EDGE.left + across(value) * (width - EDGE.left - EDGE.right);
  const y = (value) => EDGE.top + (1 - up(value)) * (HEIGHT - EDGE.top - EDGE.bottom);
  plot.x.ticks = plot.x.tickList?.(width) ?? linearTicks(plot.x.low, plot.x.high, width / 90);
  plot.y.ticks = plot.y.isLog ? logTicks(plot.y.low, plot.y.high)
    : linearTicks(0, plot.y.high, 7);
  const places = {width, xs: plot.series[0].points.map(([at]) => x(at))};
  frame.replaceChildren(svg("svg", {viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
    "aria-label": plot.words}, drawAxes(plot, x, y, width), plot.series.map((one) =>
    (one.isBars ? drawBars : drawLine)(one, x, y))), tip);
  frame.firstChild.append(plot.cursor = hover(plot, frame, tip, places));
}

// x: {name, title, low, high, show, exact, tickList?}; y: {show, exact, isLog}; series: {name, ink,
// points: [[x, y], ...], dashed?, isBars?, isLoose?: points of its own, not those of the first}.
function chart(title, plot, more) {
  if (plot.series[0].points.length === 0)
    return el("figure", {}, el("h2", {}, title), el("p", {class: "muted"}, "Nothing to show."));
  Object.assign(plot.y, valueRange(plot.series, plot.y.isLog));
  const frame = el("div", {class: "plot"});
  const tip = el("div", {class: "tip", hidden: true, "aria-hidden": "true"});
  plot.words = `${title}: ${plot.series.map((one) => one.name).join(", ")}; the values are in the `
    + "table below";
  let width = 0;
  new ResizeObserver(() => {
    if (frame.clientWidth === width) return;
    width = frame.clientWidth;
    draw(plot, frame, tip);
  }).observe(frame);
  return el("figure", {}, el("h2", {}, title), legend(plot.series), frame, more, asTable(plot));
}
