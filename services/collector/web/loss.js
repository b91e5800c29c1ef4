// The warning above every view where spans or log records were lost: a trace with holes looks like
// one of a program that did less, so nobody must have to ask for it.

import {get} from "./api.js";
import {short} from "./chip.js";
import {el, replace} from "./dom.js";
import {count, plural} from "./format.js";

const EVERY_MS = 10000;
const NAMED = 3; // senders; the rest is summed up

const place = document.getElementById("loss");
let asked = -Infinity;
let hidden = ""; // what somebody closed stays closed until it says something new

// Who lost how many: the collector's own, the worst senders by name, the rest as one.
function causes(own, senders, key) {
  const losing = senders.filter((one) => one[key] > 0).sort((a, b) => b[key] - a[key]);
  const rest = losing.slice(NAMED);
  return [...own, ...losing.slice(0, NAMED).map((one) => [one[key],
    `by ${short(one.name)}, before they were sent or accepted`]),
  [rest.reduce((sum, one) => sum + one[key], 0), `by ${plural(rest.length, "other service")}`]]
    .filter(([number]) => number > 0).map(([number, words]) => `${count(number)} ${words}`)
    .join("; ");
}

function were(number, what) {
  return `${plural(number, what)} ${number === 1 ? "was" : "were"}`;
}

function ofSpans({collector, senders, spans_lost: lost}) {
  const own = [[collector.spans_refused, "refused by the collector: without ids, or over a limit"],
    [collector.spans_dropped, "dropped by the collector: its store or its memory failed it"]];
  const requests = collector.requests_refused;
  return [lost > 0 && `${were(lost, "span")} lost (${causes(own, senders, "spans_lost")}).`,
    requests > 0 && `${plural(requests, "batch", "batches")} of spans could not be read, or ${
      requests === 1 ? "was" : "were"} too large.`].filter(Boolean).join(" ");
}

function ofLogs({collector, senders, logs_lost: lost}) {
  const own = [[collector.logs_lost, "refused or dropped by the collector"]];
  return lost > 0 ? `${were(lost, "log record")} lost (${causes(own, senders, "logs_lost")}).` : "";
}

function sentence(health) {
  const spans = ofSpans(health);
  const logs = ofLogs(health);
  return [spans && `${spans} Traces may have holes, and figures and findings may be off.`,
    logs && `${logs} What a trace logged may not all be beside it.`].filter(Boolean).join(" ");
}

function draw(health) {
  const words = sentence(health);
  place.hidden = !words || words === hidden;
  if (place.hidden) return;
  replace(place, el("p", {}, el("b", {}, "Not all is here. "), words),
    el("button", {type: "button", class: "quiet", "aria-label": "Hide this warning", on: {
      click: () => {
        hidden = words;
        place.hidden = true;
      }}}, "Hide"));
}

// Asks at most every few seconds, and never holds a view up.
export async function checkLoss() {
  if (performance.now() - asked < EVERY_MS) return;
  asked = performance.now();
  try {
    draw(await get("/api/culprit/health"));
  } catch {
    // The view itself says when the collector does not answer.
  }
}
