// A long list of rows of which only those in sight are in the document. Rows are `rowHeight` high;
// an open one has a detail below it, whose height is measured when it is first shown.

import {el} from "./dom.js";

const SPARE = 8; // rows drawn beyond each edge

export class Rows {
  // draw(item) gives a row's element, detail(item) what is below an open one.
  constructor({rowHeight, draw, detail, label}) {
    Object.assign(this, {rowHeight, draw, detail});
    this.items = [];
    this.open = new Map(); // item -> height of its detail
    this.shown = new Map(); // index -> elements
    this.canvas = el("div", {class: "rows-canvas"});
    this.element = el("div", {class: "rows", tabindex: "0", role: "tree", "aria-label": label},
      this.canvas);
    this.element.addEventListener("scroll", () => this.schedule(), {passive: true});
    this.watcher = new ResizeObserver(() => this.schedule());
    this.watcher.observe(this.element);
  }

  stop() {
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
  }

  schedule() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.render();
    });
  }

  setItems(items) {
    this.items = items;
    this.layout();
    this.refresh();
  }

  layout() {
    this.offsets = new Float64Array(this.items.length + 1);
    let at = 0;
    for (let i = 0; i < this.items.length; i++) {
      this.offsets[i] = at;
      at += this.rowHeight + (this.open.get(this.items[i]) ?? 0);
    }
    this.offsets[this.items.length] = at;
    this.canvas.style.height = `${at}px`;
  }

  // Draws all of what is in sight anew.
  refresh() {
    this.canvas.replaceChildren();
    this.shown.clear();
    this.render();
  }

  indexAt(y) {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsets[middle + 1] <= y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  render() {
    if (!this.offsets) return;
    const top = this.element.scrollTop;
    const first = Math.max(0, this.indexAt(top) - SPARE);
    const last = Math.min(this.items.length,
      this.indexAt(top + (this.element.clientHeight || 600)) + SPARE + 1);
    for (const [index, nodes] of this.shown) {
      if (index >= first && index < last) continue;
      nodes.forEach((node) => node.remove());
      this.shown.delete(index);
    }
    for (let i = first; i < last; i++) if (!this.shown.has(i)) this.show(i);
    this.measure();
  }

  place(node, y) {
    node.style.transform = `translateY(${y}px)`;
  }

  show(index) {
    const item = this.items[index];
    const nodes = [this.draw(item)];
    this.place(nodes[0], this.offsets[index]);
    if (this.open.has(item)) {
      nodes.push(el("div", {class: "row-detail"}, this.detail(item)));
      this.place(nodes[1], this.offsets[index] + this.rowHeight);
    }
    this.shown.set(index, nodes);
    this.canvas.append(...nodes);
  }

  // A detail is as high as it turns out to be; what is below moves.
  measure() {
    let changed = false;
    for (const [index, [, detail]] of this.shown) {
      if (!detail) continue;
      const height = detail.offsetHeight;
      if (height === this.open.get(this.items[index])) continue;
      this.open.set(this.items[index], height);
      changed = true;
    }
    if (!changed) return;
    this.layout();
    for (const [index, [row, detail]] of this.shown) {
      this.place(row, this.offsets[index]);
      if (detail) this.place(detail, this.offsets[index] + this.rowHeight);
    }
    this.schedule();
  }

  toggle(item) {
    if (!this.open.delete(item)) this.open.set(item, 0);
    this.layout();
    this.refresh();
  }

  reveal(item, toMiddle = false) {
    const index = this.items.indexOf(item);
    if (index < 0) return;
    const room = this.element.clientHeight;
    const top = this.offsets[index];
    const bottom = top + this.rowHeight;
    if (toMiddle) this.element.scrollTop = top - room / 3;
    else if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (bottom > this.element.scrollTop + room) this.element.scrollTop = bottom - room;
    this.render();
  }
}
