// A table that sorts by a click on a column's head. A column has a title, a cell (row -> content),
// a sort value (row -> number or text), may be numeric, and `wide`: left out on a small screen.

import {el} from "./dom.js";

function compare(a, b) {
  if (typeof a === "string") return a.localeCompare(b);
  const left = Number.isFinite(a) ? a : -Infinity;
  const right = Number.isFinite(b) ? b : -Infinity;
  return left - right;
}

export function table({columns, rows, sort, descending = true, href, label, onHover, rowClass}) {
  let by = columns.find((column) => column.key === sort);
  let down = descending;
  const body = el("tbody");
  const classOf = (column) => [column.numeric ? "number" : column.class, column.wide && "wide"]
    .filter(Boolean).join(" ") || undefined;
  const heads = columns.map((column) => el("th", {class: classOf(column), scope: "col"}, column.value
    ? el("button", {type: "button", title: column.hint, on: {click: () => choose(column)}},
      column.title)
    : column.title));

  function cells(row) {
    return columns.map((column) => el("td", {class: classOf(column)}, column.cell(row)));
  }

  function line(row) {
    const link = href?.(row);
    const node = el("tr", {class: [link ? "link" : "", rowClass?.(row) ?? ""].join(" ").trim()},
      cells(row));
    if (link) {
      node.addEventListener("click", (event) => {
        if (!event.target.closest("a, button")) node.querySelector("a")?.click();
      });
    }
    if (onHover) {
      node.addEventListener("pointerenter", () => onHover(row));
      node.addEventListener("pointerleave", () => onHover(null));
    }
    return node;
  }

  function draw() {
    const sorted = by?.value ? [...rows].sort((a, b) => compare(by.value(a), by.value(b))
      * (down ? -1 : 1)) : rows;
    body.replaceChildren(...sorted.map(line));
    columns.forEach((column, index) => {
      if (column === by) heads[index].setAttribute("aria-sort", down ? "descending" : "ascending");
      else heads[index].removeAttribute("aria-sort");
    });
  }

  function choose(column) {
    down = by === column ? !down : Boolean(column.numeric);
    by = column;
    draw();
  }

  draw();
  return el("div", {class: "scroll"}, el("table", {"aria-label": label},
    el("thead", {}, el("tr", {}, heads)), body));
}
