// The whole trace at a glance: a line for each span. Dragging zooms, a double click shows all.

import {paint} from "./colour.js";
import {el} from "./dom.js";
import {duration} from "./format.js";

const HEIGHT = 56;

export function minimap({trace, zoom, signal}) {
  const canvas = el("canvas", {class: "minimap", role: "img",
    "aria-label": "Overview of the trace: drag to zoom, double click to show all"});
  let window_ = [0, trace.length];
  let width = 0;
  let from = null;
  let to = null;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

  function lines(context) {
    const tall = Math.max(1, Math.min(3, HEIGHT / trace.spans.length));
    trace.spans.forEach((span, index) => {
      const y = (index / trace.spans.length) * HEIGHT;
      const x = (span.start / trace.length) * width;
      const wide = Math.max(1, ((span.end - span.start) / trace.length) * width);
      context.fillStyle = span.error ? css("--bad") : paint(span.service, 0.45);
      context.fillRect(x, y, wide, tall);
      for (const {start, end} of span.segments ?? []) {
        context.fillStyle = paint(span.service);
        context.fillRect((start / trace.length) * width, y,
          Math.max(1, ((end - start) / trace.length) * width), tall);
      }
    });
  }

  function draw() {
    width = canvas.clientWidth || 600;
    const density = devicePixelRatio || 1;
    canvas.width = width * density;
    canvas.height = HEIGHT * density;
    const context = canvas.getContext("2d");
    context.scale(density, density);
    lines(context);
    const [left, right] = from === null ? window_.map((at) => (at / trace.length) * width)
      : [Math.min(from, to), Math.max(from, to)];
    context.fillStyle = css("--veil");
    context.fillRect(0, 0, left, HEIGHT);
    context.fillRect(right, 0, width - right, HEIGHT);
  }

  const place = (event) => Math.min(width, Math.max(0,
    event.clientX - canvas.getBoundingClientRect().left));

  canvas.addEventListener("pointerdown", (event) => {
    from = to = place(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    canvas.title = `+${duration((place(event) / width) * trace.length)}`;
    if (from === null) return;
    to = place(event);
    draw();
  });
  canvas.addEventListener("pointerup", () => {
    const [left, right] = [Math.min(from, to), Math.max(from, to)];
    from = null;
    if (right - left > 4) zoom((left / width) * trace.length, (right / width) * trace.length);
    else draw();
  });
  canvas.addEventListener("dblclick", () => zoom(0, trace.length));
  const watcher = new ResizeObserver(draw);
  watcher.observe(canvas);
  signal.addEventListener("abort", () => watcher.disconnect());
  return {element: canvas, set: (start, end) => {
    window_ = [start, end];
    draw();
  }};
}
