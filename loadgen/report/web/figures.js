// What the report's histograms and slots say. Buckets are pairs of an index and a count; numbers
// above 2^53 are strings, and rounded here.

const HISTOGRAM_BITS = 8;
const SLOT_BITS = 5;
const POINTS_MOST = 120; // of a plot over time
const PER_POINT_LEAST = 20;

function middleMs(index, bits) {
  const size = 2 ** bits;
  const shift = index < 2 * size ? 0 : Math.floor(index / size) - 1;
  const lowest = (index - shift * size) * 2 ** shift;
  return (lowest + (2 ** shift - 1) / 2) / 1e6;
}

// Of several lists of pairs: [[ms, count], ...] in rising order.
function addBuckets(lists, bits) {
  const counts = new Map();
  for (const list of lists)
    for (let i = 0; i < list.length; i += 2)
      counts.set(Number(list[i]), (counts.get(Number(list[i])) ?? 0) + Number(list[i + 1]));
  return [...counts].sort(([a], [b]) => a - b).map(([index, count]) =>
    [middleMs(index, bits), count]);
}

// Nearest rank among `all`, of which those without a known value come last: null.
function quantile(pairs, all, level) {
  const exact = level * all;
  const rank = Math.max(1, Math.ceil(exact - exact * 1e-14));
  let seen = 0;
  for (const [value, count] of pairs) {
    seen += count;
    if (seen >= rank) return value;
  }
  return null;
}

// One of a step's histograms, over the steps that are chosen.
function sumHistograms(steps, key) {
  const all = steps.map((step) => step.histograms[key]);
  const filled = all.filter((one) => Number(one.count) > 0);
  return {
    pairs: addBuckets(all.map((one) => one.buckets), HISTOGRAM_BITS),
    count: all.reduce((sum, one) => sum + Number(one.count), 0),
    maxMs: Math.max(0, ...filled.map((one) => Number(one.max_ns) / 1e6)),
  };
}

// [level, ms] along 1/(1 - level), to the last value that is known.
function percentileCurve(histogram, censored) {
  const all = histogram.count + censored;
  const points = [];
  for (let halvings = 0; all > 0 && 2 ** halvings <= all; halvings += 0.125) {
    const level = 1 - 2 ** -halvings;
    const value = quantile(histogram.pairs, all, level);
    if (value === null) return points;
    points.push([level, Math.min(value, histogram.maxMs)]);
  }
  if (censored === 0 && all > 0) points.push([1 - 1 / (2 * all), histogram.maxMs]);
  return points;
}

// Neighbouring slots together, as few as a plot can show and as many requests as a percentile
// wants. The last slot, of what came behind the end, is a point only where something is in it.
function groupSlots(steps) {
  const lines = steps.map((step) => step.timeline).filter(Boolean);
  if (lines.length === 0 || lines.length < steps.length) return null;
  const width = lines[0].width_s;
  let length = lines[0].slots.length;
  const due = (at) => lines.reduce((sum, line) => sum + line.slots[at].due, 0);
  while (length > 1 && due(length - 1) === 0) length--;
  let all = 0;
  for (let at = 0; at < length; at++) all += due(at);
  let size = Math.max(1, Math.ceil(length / POINTS_MOST));
  while (length / size > 24 && all / (length / size) < PER_POINT_LEAST) size++;
  const groups = [];
  for (let first = 0; first < length; first += size) {
    const slots = lines.flatMap((line) => line.slots.slice(first, Math.min(first + size, length)));
    const sum = (key) => slots.reduce((total, slot) => total + slot[key], 0);
    groups.push({
      from: first * width, to: Math.min(first + size, length) * width,
      due: sum("due"), failed: sum("failed"),
      pairs: addBuckets(slots.map((slot) => slot.buckets), SLOT_BITS),
    });
  }
  return groups;
}

// The flows a second that were asked for: [[seconds, rate], ...].
function wantedRate(arrivals) {
  const points = [];
  let at = 0;
  for (const stage of arrivals?.stages ?? []) {
    points.push([at, stage.rate], [at + stage.duration_s, stage.to]);
    at += stage.duration_s;
  }
  return points;
}
