// The page. What the report says is text from anywhere.

const report = JSON.parse(document.getElementById("report").textContent);
const isRun = report.schema === "culprit.run/1";
const windows = isRun ? (report.windows ?? []).map(({load, ...more}) => ({...more, ...load}))
  : [{name: "", ...report}];
// Of a run's steps the last is the one that it is about; those of a load are looked at together.
const firstStep = (part) => isRun && part ? part.steps.length - 1 : -1;
const chosen = {window: windows.length - 1, step: firstStep(windows.at(-1)), isLog: false};

// ---- what it came to

function verdictWords() {
  if (report.interrupted || report.cut_short) return "Interrupted: this is what was measured until then.";
  if (report.aborted) return "Ended early: a threshold that aborts was broken.";
  if ((report.workers ?? []).some(({state}) => state !== "done"))
    return "Not all workers came to their end: what was heard of them is in the figures.";
  return "";
}

// "check out, fill the cart (healthy)"
const lateSteps = () => windows.flatMap((part) => part.steps.filter(({trustworthy}) =>
  trustworthy === false).map(({name}) => part.name ? `${name} (${part.name})` : name));

function trust() {
  if (windows.length === 0) return null;
  const late = showMs(Math.max(...windows.map((part) => part.all.late_ms.p99)));
  const steps = lateSteps();
  const isDoubted = [report, ...windows].some(({trustworthy}) => trustworthy === false);
  if (steps.length === 0 && !isDoubted)
    return el("p", {class: "note good"}, `The figures can be trusted: the generator itself was late`
      + ` by ${late} at the 99th percentile.`);
  return el("p", {class: "note warn", role: "alert"}, `Do not trust the latencies of ${
    steps.join(", ") || "this run"}: the generator itself was late beside them, by up to ${late} at`
    + ` the 99th percentile. Give it a processor of its own, more threads, or less to do.`);
}

function keyFigures() {
  const figure = (words, value) => el("span", {}, `${words} `, el("b", {}, value));
  const when = report.start_unix_ns && new Date(Number(report.start_unix_ns) / 1e6);
  if (isRun) return el("div", {class: "figures"}, figure("checkouts", showCount(report.requests)),
    figure("failed", showCount(report.failed)), figure("traces complete",
      showShare(report.coverage ?? 0)), figure("seed", report.seed));
  return el("div", {class: "figures"},
    when && figure("began", when.toISOString().replace("T", " ").replace(/\.\d+Z/, " UTC")),
    figure("lasted", showMs(report.elapsed_s * 1e3)), figure("requests", showCount(
      report.all.requests)), figure("flows right", `${showCount(report.flows.ok)} of ${
      showCount(report.flows.due)}`), figure("generator's CPU", showMs(report.cpu_s * 1e3)),
    figure("memory", `${digits(report.peak_rss_kib / 1024)}${THIN}MB`), figure("seed", report.seed));
}

function head() {
  const verdict = ["pass", "fail", "inconclusive"].includes(report.verdict) ? report.verdict
    : "inconclusive";
  const name = (isRun ? report.title || report.scenario : report.name) || "load";
  document.title = `${verdict}: ${name}`;
  document.getElementById("what").append(isRun ? "report of a run" : "load report");
  return [
    el("div", {class: "head"}, el("span", {class: `badge ${verdict}`}, verdict.toUpperCase()),
      el("h1", {}, name)),
    report.target && el("p", {}, el("code", {}, report.target)),
    verdictWords() && el("p", {class: "note warn"}, verdictWords()),
    trust(), keyFigures()];
}

// What an experiment asks of a window.
function demands(part) {
  const rows = part.thresholds ?? [];
  return [(part.reasons ?? []).map((reason) => el("p", {class: "note warn"}, reason)),
    rows.length > 0 && [el("h2", {}, "What must hold"), table([
      ["what", (row) => row.threshold, "text"],
      ["", (row) => el("span", {class: row.outcome === "holds" ? "good" : "bad"}, row.outcome)],
      ["why", (row) => row.why, "text"],
      ["traces", (row) => (row.traces ?? []).slice(0, 3).flatMap((id) => [traceLink(id), " "])],
    ], rows)]];
}

function thresholds() {
  const rows = report.thresholds ?? [];
  if (isRun || rows.length === 0) return null;
  const limit = (row) => row.at_least !== undefined ? `at least ${row.at_least}`
    : `at most ${row.at_most}`;
  return [el("h2", {}, "Thresholds"), table([
    ["what", (row) => row.step ? `${row.metric} of ${row.step}` : row.metric, "text"],
    ["limit", limit, "number"],
    ["value", (row) => row.value === null ? "not known: requests without an answer"
      : +row.value.toPrecision(6), "number"],
    ["", (row) => el("span", {class: row.holds ? "good" : "bad"}, row.holds ? "holds" : "broken")],
  ], rows)];
}

// ---- what the traces say

// The run says where its traces can be looked at; nothing but that is made a link.
function traceLink(id) {
  const isPage = /^https?:\/\//.test(report.page ?? "") && /^[0-9a-f]{32}$/.test(id);
  const words = el("code", {}, id.slice(0, 12));
  return isPage ? el("a", {href: `${report.page.replace(/\/$/, "")}/trace/${id}`,
    rel: "noreferrer"}, words) : el("span", {title: id}, words);
}

function findings() {
  const rows = report.findings ?? [];
  if (!isRun) return null;
  if (rows.length === 0)
    return [el("h2", {}, "Findings"), el("p", {class: "muted"}, "None that counts.")];
  return [el("h2", {}, "Findings"), rows.map((row) => el("article", {class: "finding"},
    el("p", {}, el("b", {}, row.kind), ` ${row.service} ${row.operation}${
      row.peer ? ` → ${row.peer}` : ""}`),
    el("div", {class: "figures"}, el("span", {}, "cost ", el("b", {}, showMs(row.cost_ms))),
      el("span", {}, "saving ", el("b", {}, showMs(row.saving_ms))),
      el("span", {}, "traces ", (row.traces ?? []).slice(0, 3).flatMap((id) =>
        [traceLink(id), " "]))),
    el("p", {}, row.summary)))];
}

// ---- steps

// Null: among the requests of unknown latency.
const quantileCell = (value, step) => value !== null ? showMs(value)
  : el("span", {class: "bad"}, `> ${showMs(Math.max(Number(step.censored_max_ns) / 1e6,
    step.latency_ms.max))}`);

function failedOf(step) {
  return step.requests - (step.outcomes.ok ?? 0);
}

function steps(part) {
  const rows = part.steps.length > 1 ? [...part.steps, part.all] : part.steps;
  return [el("h2", {}, "Steps"), table([
    ["step", (row) => row.name, "text"],
    ["requests", (row) => showCount(row.requests), "number"],
    ["a second", (row) => digits(row.rate), "number"],
    ["failed", (row) => failedOf(row) === 0 ? "0" : el("span", {class: "bad"},
      `${showCount(failedOf(row))} (${showShare(failedOf(row) / row.requests)})`), "number"],
    ...[["p50", "p50_ms"], ["p90", "p90_ms"], ["p99", "p99_ms"], ["p99.9", "p999_ms"],
      ["max", "max_ms"]].map(([title, key]) => [title, (row) => quantileCell(row[key], row),
      "number"]),
    ["p99 from sending", (row) => el("span", {class: "muted"}, showMs(row.from_sending_ms.p99)),
      "number"],
    ["lag p99", (row) => el("span", {class: "muted"}, showMs(row.lag_ms.p99)), "number"],
  ], rows, (row) => row === part.all ? "sum" : undefined),
  el("p", {class: "muted"}, "Latency counts from when a request was due; “from sending” is what a"
    + " tool that waits for answers would show. Lag is from due to sent.")];
}

function failures(part) {
  const rows = part.steps.flatMap((step) => [
    ...Object.entries(step.outcomes).filter(([kind, count]) => kind !== "ok" && count > 0)
      .map(([kind, count]) => ({step, kind, count})),
    ...(step.failed_checks ?? []).map(({words, count}) =>
      ({step, kind: `not so: ${words}`, count, isCheck: true}))]);
  if (rows.length === 0) return null;
  return [el("h2", {}, "Errors by step and kind"), table([
    ["step", (row) => row.isCheck ? "" : row.step.name, "text"],
    ["kind", (row) => row.isCheck ? el("span", {class: "muted"}, row.kind) : row.kind, "text"],
    ["requests", (row) => showCount(row.count), "number"],
    ["share of the step", (row) => showShare(row.count / row.step.requests), "number"],
    ["", (row) => row.isCheck ? "" : el("i", {style: {"--share": row.count / row.step.requests}}),
      "meter"],
  ], rows)];
}

// ---- plots

const timeAxis = (groups) => ({name: "from", title: "seconds since the start", low: 0,
  high: groups[groups.length - 1].to, show: (value) => String(value),
  exact: (value) => showSeconds(value)});

const middle = (group) => +((group.from + group.to) / 2).toPrecision(9);

// Of a worker that was lost nothing is known over time.
function missingWords(steps) {
  const missing = steps.reduce((sum, {timeline}) => sum + (timeline.missing ?? 0), 0);
  return missing > 0 && el("p", {class: "note warn"}, `${plural(missing, "request")} of workers that`
    + " did not come to their end are missing over time.");
}

function latencyOverTime(groups, steps) {
  const line = (name, level, ink) => ({name, ink, points: groups.map((group) =>
    [middle(group), group.due > 0 ? quantile(group.pairs, group.due, level) : null])});
  return chart("Latency over time, from when requests were due", {
    x: timeAxis(groups), y: {show: tickMs, exact: showMs, isLog: chosen.isLog},
    series: [line("p50", 0.5, "var(--one)"), line("p90", 0.9, "var(--two)"),
      line("p99", 0.99, "var(--three)")]},
  missingWords(steps), el("p", {class: "muted"}, "A gap: the rank falls among requests that were not answered, or none"
    + " was due."));
}

function requestsOverTime(groups, part) {
  const wanted = wantedRate(part.arrivals);
  const perSecond = (group, count) => count / (group.to - group.from);
  const right = (group) => perSecond(group, group.due - group.failed);
  const rates = {show: (value) => String(value), exact: (value) =>
    Number.isFinite(value) ? `${digits(value)}/s` : "–"};
  return chart("Requests a second, by when they were due", {
    x: timeAxis(groups), y: rates,
    series: [
      {name: "right", ink: "var(--calm)", isBars: true, points: groups.map((group) =>
        [middle(group), right(group), group.from, group.to, 0])},
      {name: "failed", ink: "var(--bad)", isBars: true,
        value: (i) => perSecond(groups[i], groups[i].failed), points: groups.map((group) =>
          [middle(group), perSecond(group, group.due), group.from, group.to, right(group)])},
      ...wanted.length ? [{name: "flows wanted", ink: "var(--text)", dashed: true, isLoose: true,
        points: wanted}] : []]});
}

// 50%, 90%, 99%, ... along 1/(1 - level).
function levelAxis(curves) {
  const highest = Math.max(0.9, ...curves.flat().map(([level]) => level));
  const place = (level) => Math.log10(1 / (1 - level));
  const levels = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999];
  return {name: "percentile", title: "percentile, spread as 1/(1 − q)", low: 0,
    high: place(highest), place, show: (at) => showLevel(1 - 10 ** -at),
    exact: (at) => showLevel(+(1 - 10 ** -at).toFixed(7)),
    tickList: () => levels.map(place).filter((at) => at <= place(highest))};
}

function curves(title, lines, more) {
  const axis = levelAxis(lines.map((line) => line.curve));
  return chart(title, {x: axis, y: {show: tickMs, exact: showMs, isLog: chosen.isLog},
    series: lines.map(({name, ink, curve}) => ({name, ink,
      points: curve.map(([level, ms]) => [axis.place(level), ms])}))}, more);
}

function plots(part) {
  const picked = chosen.step < 0 ? part.steps : [part.steps[chosen.step]];
  const groups = groupSlots(picked);
  const censored = picked.reduce((sum, step) => sum + step.censored, 0);
  const histogram = (key) => sumHistograms(picked, key);
  const curve = (key, unknown) => percentileCurve(histogram(key), unknown);
  return el("div", {class: "charts"},
    groups && [latencyOverTime(groups, picked), requestsOverTime(groups, part)],
    curves("Latency by percentile", [
      {name: "from when it was due", ink: "var(--one)", curve: curve("latency", censored)},
      {name: "from sending", ink: "var(--two)", curve: curve("from_sending", censored)}],
    censored > 0 && el("p", {class: "muted"}, `The curves end where ${plural(censored, "request")}`
      + " of unknown latency would begin.")),
    curves("Dispatch lag by percentile", [
      {name: "from due to sent", ink: "var(--one)", curve: curve("lag", 0)},
      {name: "of it the generator's own", ink: "var(--two)", curve: curve("late", 0)}]));
}

// ---- all of it

function choice(words, names, at, pick) {
  return el("label", {}, words, el("select", {on: {change: (event) =>
    pick(Number(event.target.value))}}, names.map(([value, name]) =>
    el("option", {value, selected: value === at}, name))));
}

function controls(part) {
  return el("div", {class: "controls"},
    windows.length > 1 && choice("Window", windows.map(({name}, i) => [i, name]), chosen.window,
      (at) => { chosen.window = at; chosen.step = firstStep(windows[at]); choose(); }),
    part.steps.length > 1 && choice("Plots of", [[-1, "all steps"], ...part.steps.map(({name}, i) =>
      [i, name])], chosen.step, (at) => { chosen.step = at; show(); }),
    el("label", {}, el("input", {type: "checkbox", checked: chosen.isLog, on: {change: (event) => {
      chosen.isLog = event.target.checked;
      show();
    }}}), "latencies logarithmic"));
}

const choices = el("div", {});
const measured = el("section", {});

// The controls stay as they are, and with them the keyboard's place.
function show() {
  const part = windows[chosen.window];
  replace(measured, isRun && demands(part), steps(part), failures(part), plots(part));
}

function choose() {
  if (windows.length === 0) return;
  choices.replaceChildren(controls(windows[chosen.window]));
  choices.querySelector("select")?.focus({preventScroll: true});
  show();
}

const main = document.getElementById("main");
replace(main, head(), thresholds(), findings(), choices, measured);
choose();
main.focus({preventScroll: true});
