// Traces as points: when against how long (logarithmic). A click opens one, dragging marks a time.

import {paint} from "./colour.js";
import {el} from "./dom.js";
import {duration, step, tick, time} from "./format.js";

const HEIGHT = 132;
const EDGE = {left: 52, right: 12, top: 8, bottom: 20};
const NEAR = 12;

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function scales(points, marks, width) {
  const xs = [...points.map((point) => point.x), ...marks.flatMap(({start, end}) => [start, end])];
  const ys = points.map((point) => Math.max(point.y, 1000));
  let [left, right] = [Math.min(...xs), Math.max(...xs)];
  if (right - left < 1000) [left, right] = [left - 500, right + 500];
  const low = Math.log10(Math.min(...ys)) - 0.08;
  const high = Math.max(Math.log10(Math.max(...ys)) + 0.08, low + 0.5);
  const wide = width - EDGE.left - EDGE.right;
  const tall = HEIGHT - EDGE.top - EDGE.bottom;
  return {
    left, right, low, high,
    x: (value) => EDGE.left + ((value - left) / (right - left)) * wide,
    y: (value) => EDGE.top + (1 - (Math.log10(Math.max(value, 1000)) - low) / (high - low)) * tall,
    back: (x) => left + ((Math.min(Math.max(x, EDGE.left), width - EDGE.right) - EDGE.left) / wide)
      * (right - left),
  };
}

function drawAxes(context, scale, width) {
  context.font = `11px ${style("--sans") || "sans-serif"}`;
  context.fillStyle = style("--muted");
  context.strokeStyle = style("--line");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  const decades = scale.high - scale.low > 2.2 ? [1] : scale.high - scale.low > 1 ? [1, 3]
    : [1, 1.5, 2, 3, 5, 7];
  for (let power = Math.floor(scale.low); power <= scale.high; power++) {
    for (const factor of decades) {
      const value = factor * 10 ** power;
      if (Math.log10(value) < scale.low || Math.log10(value) > scale.high) continue;
      const y = Math.round(scale.y(value)) + 0.5;
      context.beginPath();
      context.moveTo(EDGE.left, y);
      context.lineTo(width - EDGE.right, y);
      context.stroke();
      context.fillText(tick(value, value), EDGE.left - 6, y);
    }
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  const most = Math.max(2, Math.floor(width / 130));
  const size = Math.max(1000, step(scale.right - scale.left, most));
  for (let at = Math.ceil(scale.left / size) * size; at <= scale.right; at += size) {
    const x = scale.x(at);
    if (x > width - 34 || x < EDGE.left + 24) continue;
    context.fillText(time(at, false).slice(0, 8), x, HEIGHT - 5);
  }
}

// `marks`: [{start, end, kind}] stay marked.
export function scatter({points, open, brush, marks = [], signal}) {
  const canvas = el("canvas", {role: "img", "aria-label": "Duration of each trace over time"});
  const tip = el("div", {class: "tip", hidden: true});
  const plot = el("div", {class: "plot"}, canvas, tip);
  const box = el("figure", {class: "scatter"}, plot,
    brush && el("figcaption", {}, `click: open · ${brush.words}`));
  let scale;
  let width = 0;
  let from = null;
  let to = null;

  function draw() {
    width = plot.clientWidth || 600;
    const density = devicePixelRatio || 1;
    canvas.width = width * density;
    canvas.height = HEIGHT * density;
    canvas.style.height = `${HEIGHT}px`;
    const context = canvas.getContext("2d");
    context.scale(density, density);
    scale = scales(points, marks, width);
    for (const {start, end, kind} of marks) {
      context.fillStyle = style(kind === "before" ? "--before" : "--after");
      context.fillRect(scale.x(start), EDGE.top, scale.x(end) - scale.x(start),
        HEIGHT - EDGE.top - EDGE.bottom);
    }
    if (from !== null) {
      context.fillStyle = style("--choice");
      context.fillRect(Math.min(from, to), EDGE.top, Math.abs(to - from),
        HEIGHT - EDGE.top - EDGE.bottom);
    }
    drawAxes(context, scale, width);
    for (const point of points) {
      context.beginPath();
      context.fillStyle = point.failed ? style("--bad") : paint(point.service, 0.75);
      context.arc(scale.x(point.x), scale.y(point.y), point.failed ? 3.5 : 2.6, 0, 7);
      context.fill();
    }
  }

  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };

  function nearest(event) {
    const [x, y] = place(event);
    let best = null;
    let least = NEAR * NEAR;
    for (const point of points) {
      const away = (scale.x(point.x) - x) ** 2 + (scale.y(point.y) - y) ** 2;
      if (away < least) [best, least] = [point, away];
    }
    return best;
  }

  function hover(event) {
    const point = nearest(event);
    tip.hidden = !point || from !== null;
    canvas.style.cursor = point ? "pointer" : "crosshair";
    if (!point) return;
    tip.textContent = `${time(point.x)}  ${point.words}  ${duration(point.y)}`;
    tip.style.left = `${Math.min(scale.x(point.x) + 8, Math.max(0, width - tip.offsetWidth - 8))}px`;
    tip.style.top = `${Math.max(0, scale.y(point.y) - 30)}px`;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !brush) return;
    [from] = place(event);
    to = from;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from !== null) {
      [to] = place(event);
      draw();
    }
    hover(event);
  });
  canvas.addEventListener("pointerup", (event) => {
    const dragged = from !== null && Math.abs(to - from) > 5;
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    from = null;
    if (dragged) brush.done(Math.floor(scale.back(low)), Math.ceil(scale.back(high)), event);
    else if (nearest(event)) open(nearest(event));
    else draw();
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  const watcher = new ResizeObserver(draw);
  watcher.observe(plot);
  signal?.addEventListener("abort", () => watcher.disconnect());
  return box;
}
