// The flame graph of all traces of a search.

import {traces as fetchTraces} from "./api.js";
import {el, note, replace} from "./dom.js";
import {flameOf} from "./flame.js";
import {buildAll} from "./model.js";
import {readSearch, searchForm, searchParams} from "./search.js";

export const name = "flame";
export const title = "Flame graph";

const MOST = 200; // whole traces come over the wire

export async function show({main, params, signal, go, services}) {
  const search = readSearch(params);
  const out = el("section", {"aria-label": "Flame graph"}, el("p", {class: "note busy"},
    "Reading traces…"));
  replace(main, el("h1", {class: "unseen"}, "Flame graph"), searchForm(search, services, signal,
    (asked) => go(`/flame?${searchParams(asked)}`), "Draw"), out);
  try {
    const found = buildAll(await fetchTraces(search, Math.min(search.limit, MOST), signal));
    if (found.length === 0) {
      replace(out, note("No trace matches."));
      return;
    }
    replace(out, flameOf(found), search.limit > MOST && found.length >= MOST
      && el("p", {class: "muted"}, `The newest ${MOST} of them: whole traces come over the wire.`));
  } catch (error) {
    if (signal.aborted) throw error;
    replace(out, note(error.message, "error"));
  }
}
