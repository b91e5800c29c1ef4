// One trace over time: a row a span. What is drawn full in a bar lies on the critical path: there
// the span itself held the request up.

import {short} from "./chip.js";
import {tint} from "./colour.js";
import {detail} from "./detail.js";
import {el, replace} from "./dom.js";
import {count, duration, step, tick} from "./format.js";
import {minimap} from "./minimap.js";
import {Rows} from "./rows.js";

const ROW = 24;
const INDENT_MAX = 24;

export class Waterfall {
  constructor(trace, signal, opened) {
    this.trace = trace;
    this.opened = opened; // told which span shows its details, or none
    this.folded = new Set();
    this.matches = null; // Set of spans that were searched for
    this.from = 0;
    this.to = trace.length;
    this.rows = new Rows({rowHeight: ROW, label: "Spans", draw: (span) => this.drawRow(span),
      detail: (span) => detail(span, trace)});
    this.map = minimap({trace, signal, zoom: (from, to) => this.zoom(from, to)});
    this.axis = el("div", {class: "axis"});
    this.selected = trace.root;
    this.element = el("div", {class: "waterfall"}, this.map.element,
      el("div", {class: "rows-head"},
      el("div", {class: "who"}, el("span", {}, "Service and operation"), this.foldButtons()),
      this.axis), this.rows.element);
    this.rows.element.addEventListener("click", (event) => this.clicked(event));
    this.watcher = new ResizeObserver(() => this.drawAxis());
    this.watcher.observe(this.axis);
    signal.addEventListener("abort", () => {
      this.rows.stop();
      this.watcher.disconnect();
    });
    this.update();
  }

  foldButtons() {
    const button = (words, hint, act) => el("button", {type: "button", class: "quiet", title: hint,
      "aria-label": hint, on: {click: act}}, words);
    return el("span", {class: "folds"},
      button("−", "Fold all", () => this.foldAll(true)),
      button("+", "Unfold all", () => this.foldAll(false)));
  }

  foldAll(yes) {
    this.folded = new Set(yes ? this.trace.spans.filter((span) => span.below > 0
      && span.parent) : []);
    this.update();
  }

  update() {
    const items = [];
    const {spans} = this.trace;
    for (let i = 0; i < spans.length; i++) {
      items.push(spans[i]);
      if (this.folded.has(spans[i])) i += spans[i].below;
    }
    this.rows.setItems(items);
  }

  zoom(from, to) {
    if (to - from < 100) return;
    [this.from, this.to] = [Math.max(0, from), Math.min(this.trace.length, to)];
    this.map.set(this.from, this.to);
    this.drawAxis();
    this.rows.refresh();
  }

  drawAxis() {
    const size = this.to - this.from;
    const wide = this.axis.clientWidth || 600;
    const every = step(size, Math.max(2, Math.floor(wide / 90)));
    const first = Math.ceil(this.from / every) * every;
    const ticks = [];
    for (let at = first; at <= this.to; at += every) {
      const share = (at - this.from) / size;
      ticks.push(el("span", {style: {left: `${share * 100}%`}}, tick(at, every)));
    }
    replace(this.axis, ticks);
    this.element.style.setProperty("--gutter",
      `${this.rows.element.offsetWidth - this.rows.element.clientWidth}px`);
    // A gradient's percentages count what is left over beside one tile.
    const tile = every / size;
    const shift = (first - this.from) / size;
    this.rows.element.style.setProperty("--tick", `${tile * 100}%`);
    this.rows.element.style.setProperty("--tick-at", tile < 1 ? `${(shift / (1 - tile)) * 100}%`
      : `${shift * wide}px`);
  }

  share(at) {
    return (at - this.from) / (this.to - this.from);
  }

  drawBar(span) {
    const left = Math.max(0, this.share(span.start));
    const right = Math.min(1, this.share(span.end));
    if (right < 0 || left > 1) return null;
    const wide = Math.max(0, right - left);
    const inner = (at) => `${wide > 0 ? ((this.share(at) - left) / wide) * 100 : 0}%`;
    const parts = (span.segments ?? []).filter(({start, end}) => end > this.from && start < this.to)
      .map(({start, end}) => {
        const from = Math.max(start, this.from);
        const to = Math.min(end, this.to);
        return el("i", {class: "critical", style: {left: inner(from),
          width: wide > 0 ? `${((to - from) / (this.to - this.from) / wide) * 100}%` : "100%"}});
      });
    const points = (span.raw.events ?? []).map((event) => {
      const at = span.start + Number(BigInt(event.timeUnixNano ?? 0) - span.startUnix);
      return at >= this.from && at <= this.to && el("i", {class: event.name === "exception"
        ? "event failed" : "event", style: {left: inner(at)}, title: event.name});
    });
    const loud = (span.logs ?? []).filter(({level}) => level.kind === "bad" || level.kind === "warn")
      .map(({unix, level, words}) => {
        const at = span.start + Number(unix - span.startUnix);
        return at >= this.from && at <= this.to && el("i", {class: `event line ${level.kind}`,
          style: {left: inner(Math.min(at, span.end))}, title: `${level.word}: ${words.slice(0, 200)}`});
      });
    return el("div", {class: "bar", style: {left: `${left * 100}%`, width: `${wide * 100}%`}},
      parts, points, loud, el("span", {class: "took"}, duration(span.end - span.start)));
  }

  drawRow(span) {
    const isFolded = this.folded.has(span);
    const classes = ["row", span === this.selected && "selected", span.error && "failed",
      span.async && "async", this.rows.open.has(span) && "open",
      this.matches && (this.matches.has(span) ? "match" : "other")].filter(Boolean).join(" ");
    const fold = span.below > 0
      ? el("button", {type: "button", class: "fold", tabindex: "-1",
        "aria-label": isFolded ? "Unfold" : "Fold"}, isFolded ? `+${count(span.below)}` : "–")
      : el("span", {class: "fold"});
    return el("div", {class: classes, role: "treeitem", "aria-level": span.depth + 1,
      "aria-expanded": span.below > 0 ? String(!isFolded) : undefined,
      "aria-selected": String(span === this.selected), id: `span-${span.index}`, data: {index: span.index},
      style: tint(span.service)},
    el("div", {class: "who", title: `${span.service}  ${span.name}`.slice(0, 500), style: {
      "--depth": String(Math.min(span.depth, INDENT_MAX))}}, fold, el("i", {class: "mark"}),
    span.orphan && el("span", {class: "tag", title: "its parent is not in this trace"}, "orphan"),
    span.error && el("span", {class: "bang", title: "error"}, "!"),
    el("b", {}, short(span.service)), el("span", {class: "name"}, span.name.slice(0, 300))),
    el("div", {class: "lane"}, el("div", {class: "track"}, this.drawBar(span))));
  }

  clicked(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    const span = this.trace.spans[Number(row.dataset.index)];
    const again = event.target.closest("button.fold");
    this.select(span, false);
    if (again) this.fold(span);
    else this.toggle(span);
  }

  toggle(span) {
    this.rows.toggle(span);
    this.opened(this.rows.open.has(span) ? span : null);
  }

  fold(span, yes = !this.folded.has(span)) {
    if (span.below === 0) return;
    if (yes) this.folded.add(span);
    else this.folded.delete(span);
    this.update();
  }

  select(span, reveal = true, middle = false) {
    if (!span) return;
    for (let up = span.parent; up; up = up.parent) this.folded.delete(up);
    const hidden = !this.rows.items.includes(span);
    this.selected = span;
    this.rows.element.setAttribute("aria-activedescendant", `span-${span.index}`);
    if (hidden) this.update();
    else this.rows.refresh();
    if (reveal) this.rows.reveal(span, middle);
  }

  move(by) {
    const {items} = this.rows;
    const at = items.indexOf(this.selected) + by;
    this.select(items[Math.max(0, Math.min(items.length - 1, at))]);
  }

  left() {
    const span = this.selected;
    if (span.below > 0 && !this.folded.has(span)) this.fold(span, true);
    else this.select(span.parent);
  }

  right() {
    const span = this.selected;
    if (this.folded.has(span)) this.fold(span, false);
    else this.select(span.children[0]);
  }

  // The next span behind the selected one that `wanted` holds for, round the end.
  next(wanted, by = 1) {
    const {spans} = this.trace;
    for (let i = 1; i <= spans.length; i++) {
      const span = spans[(this.selected.index + by * i + spans.length * 2) % spans.length];
      if (wanted(span)) {
        this.select(span, true, true);
        return;
      }
    }
  }

  find(words) {
    const wanted = words.trim().toLowerCase();
    this.matches = wanted ? new Set(this.trace.spans.filter((span) => span.id === wanted
      || span.service.toLowerCase().includes(wanted) || span.name.toLowerCase().includes(wanted)
      || (span.text ??= JSON.stringify([span.raw.attributes ?? [], span.raw.events ?? [],
        (span.logs ?? []).map((line) => [line.words, line.attributes])])
        .toLowerCase()).includes(wanted))) : null;
    this.rows.refresh();
    return this.matches?.size ?? null;
  }

  get actions() {
    return {
      ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1), j: () => this.move(1),
      k: () => this.move(-1), ArrowLeft: () => this.left(), ArrowRight: () => this.right(),
      Enter: () => {
        this.toggle(this.selected);
        this.rows.reveal(this.selected);
      },
      PageDown: () => this.move(20), PageUp: () => this.move(-20),
      Home: () => this.move(-Infinity), End: () => this.move(Infinity),
      n: () => this.next((span) => this.matches?.has(span)),
      N: () => this.next((span) => this.matches?.has(span), -1),
      e: () => this.next((span) => span.error),
      c: () => this.next((span) => span.critical > 0),
      z: () => this.zoom(this.selected.start, this.selected.end),
      0: () => this.zoom(0, this.trace.length),
    };
  }
}

export const waterfallKeys = [
  ["↑ ↓", "span above, below (also k, j)"], ["← →", "fold or go to the parent; unfold"],
  ["Enter", "details of the span"], ["n / N", "next, previous span found"], ["e", "next error"],
  ["c", "next span on the critical path"], ["z / 0", "zoom to the span, show all"],
];
