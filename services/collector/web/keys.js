// Keys: those of the page and those of the view that is shown, and the list of both.

import {el} from "./dom.js";

const everywhere = [
  ["/", "search: in the spans of a trace, else for traces"],
  ["?", "this list"],
  ["Esc", "close, leave a field"],
  ["r", "read again"],
  ["1 – 5", "traces, map, findings, flame graph, compare"],
];

let ofView = [];
let handlers = {};

// `list`: [key, words]; `actions`: event.key -> function.
export function setKeys(list = [], actions = {}) {
  ofView = list;
  handlers = actions;
}

const rows = (list) => list.map(([key, words]) => [el("dt", {}, el("kbd", {}, key)),
  el("dd", {}, words)]);

export function showHelp() {
  const open = document.querySelector("dialog.help");
  if (open) {
    open.close();
    return;
  }
  const dialog = el("dialog", {class: "help", "aria-label": "Keys"},
    el("h2", {}, "Keys"), el("dl", {}, rows(everywhere)),
    ofView.length > 0 && [el("h2", {}, "In this view"), el("dl", {}, rows(ofView))],
    el("button", {type: "button", on: {click: () => dialog.close()}}, "Close"));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const isField = (node) => node.matches?.("input, select, textarea");

// What a key does where no view says otherwise is in `global`.
export function listen(global) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isField(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]") && event.key !== "?") return;
    if (event.key === "Enter" && event.target.closest?.("a, button, summary")) return;
    const act = handlers[event.key] ?? global[event.key];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}
