// A service's name with its colour. Names are cut: somebody else chose them, and some are long.

import {tint} from "./colour.js";
import {el} from "./dom.js";

const LONGEST = 48;

export const short = (text, most = LONGEST) => text.length > most
  ? `${text.slice(0, most - 1)}…` : text;

// `more` stands behind the name; `shown` in place of it.
export function chip(service, {kind = "", title, shown = service} = {}, ...more) {
  return el("span", {class: `chip ${kind}`.trim(), style: tint(service),
    title: title ?? (shown.length > LONGEST ? shown.slice(0, 1000) : undefined)},
  el("i"), short(shown), more);
}
