// The page: which view an address is, going from one to the other, and keys. A view is a module
// with title and show(context); context.signal ends when the view does.

import {services} from "./api.js";
import * as colour from "./colour.js";
import * as compare from "./compare.js";
import {el, note, replace} from "./dom.js";
import * as findings from "./findings.js";
import * as flames from "./flames.js";
import {listen, setKeys, showHelp} from "./keys.js";
import {checkLoss} from "./loss.js";
import * as map from "./map.js";
import * as search from "./search.js";
import * as trace from "./trace.js";

const VIEWS = [
  {path: "/search", word: "Traces", view: search},
  {path: "/map", word: "Map", view: map},
  {path: "/findings", word: "Findings", view: findings},
  {path: "/flame", word: "Flame graph", view: flames},
  {path: "/compare", word: "Compare", view: compare},
];

const main = document.getElementById("main");
const nav = document.getElementById("nav");
let current;

function viewOf(path) {
  if (path.startsWith("/trace/")) return {view: trace, path: "/search"};
  return VIEWS.find((one) => one.path === path) ?? VIEWS[0];
}

// What was asked for lately in one view is where the next begins: service and window.
function carried() {
  const from = new URLSearchParams(location.search);
  if (location.pathname.startsWith("/trace/")) return "";
  const kept = new URLSearchParams();
  for (const name of ["last", "start", "end", "at"]) if (from.has(name)) kept.set(name, from.get(name));
  const text = kept.toString();
  return text ? `?${text}` : "";
}

function drawNav(path) {
  replace(nav, VIEWS.map((one) => el("a", {href: one.path + carried(),
    "aria-current": one.path === path ? "page" : undefined}, one.word)));
}

async function show() {
  current?.abort();
  current = new AbortController();
  const {signal} = current;
  const {view, path} = viewOf(location.pathname);
  const params = new URLSearchParams(location.search);
  setKeys();
  checkLoss();
  drawNav(path);
  document.title = `${view.title} · Culprit`;
  document.body.dataset.view = view.name;
  replace(main, el("p", {class: "note busy"}, "Reading…"));
  try {
    const known = await services(signal);
    colour.know(known);
    await view.show({main, params, path: location.pathname, signal, go, services: known});
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    replace(main, note(error.message, "error"));
  }
}

export function go(address, instead = false) {
  if (instead) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  scrollTo(0, 0);
  main.focus({preventScroll: true});
  show();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey
    || event.shiftKey || link.target || link.origin !== location.origin
    || link.getAttribute("href").startsWith("#") || link.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

window.addEventListener("popstate", show);
document.getElementById("help").addEventListener("click", showHelp);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
listen({
  "?": showHelp,
  "/": () => {
    const field = document.querySelector("[data-search]");
    if (field) field.focus();
    else go("/search");
  },
  r: show,
  ...Object.fromEntries(VIEWS.map((one, index) => [String(index + 1),
    () => go(one.path + carried())])),
});
show();
