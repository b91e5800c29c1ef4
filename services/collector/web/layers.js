// Where a directed graph's nodes go: in layers from left to right, callers before callees, ordered
// within a layer so that few edges cross. Pure.

const ROUNDS = 8;

// Longest way from a node that nobody calls; edges that close a circle do not count.
function rank(names, edges) {
  const out = new Map(names.map((name) => [name, []]));
  for (const {from, to} of edges) if (from !== to) out.get(from).push(to);
  const state = new Map();
  const order = [];
  const forward = new Set();
  for (const start of [...names].sort((a, b) => incoming(a, edges) - incoming(b, edges))) {
    if (state.has(start)) continue;
    const stack = [[start, 0]];
    state.set(start, "open");
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const next = out.get(top[0])[top[1]++];
      if (next === undefined) {
        state.set(top[0], "done");
        order.unshift(top[0]);
        stack.pop();
      } else if (state.get(next) !== "open") {
        forward.add(`${top[0]}\n${next}`);
        if (!state.has(next)) {
          state.set(next, "open");
          stack.push([next, 0]);
        }
      }
    }
  }
  const layer = new Map(names.map((name) => [name, 0]));
  for (const name of order) {
    for (const next of out.get(name)) {
      if (forward.has(`${name}\n${next}`))
        layer.set(next, Math.max(layer.get(next), layer.get(name) + 1));
    }
  }
  return layer;
}

const incoming = (name, edges) => edges.filter((edge) => edge.to === name && edge.from !== name)
  .length;

// Each node goes to the mean place of its neighbours, some rounds up and down.
function order(columns, edges) {
  const place = new Map();
  const number = (column) => column.forEach((name, index) => place.set(name,
    index - (column.length - 1) / 2));
  columns.forEach(number);
  for (let round = 0; round < ROUNDS; round++) {
    const list = round % 2 ? [...columns].reverse() : columns;
    for (const column of list) {
      const mean = new Map(column.map((name) => {
        const near = edges.flatMap((edge) => edge.from === name ? [place.get(edge.to)]
          : edge.to === name ? [place.get(edge.from)] : []);
        return [name, near.length ? near.reduce((a, b) => a + b, 0) / near.length
          : place.get(name)];
      }));
      column.sort((a, b) => mean.get(a) - mean.get(b) || (a < b ? -1 : 1));
      number(column);
    }
  }
}

// [{from, to}] -> name -> {layer, row}, and how many of each. Short layers stand in the middle, or
// at the top.
export function layout(names, edges, inTheMiddle) {
  const layer = rank(names, edges);
  const columns = [];
  for (const name of [...names].sort()) (columns[layer.get(name)] ??= []).push(name);
  const dense = columns.filter(Boolean);
  order(dense, edges);
  const places = new Map();
  const most = dense.reduce((rows, column) => Math.max(rows, column.length), 0);
  dense.forEach((column, x) => column.forEach((name, index) => places.set(name,
    {layer: x, row: index + (inTheMiddle ? (most - column.length) / 2 : 0)})));
  return {places, layers: dense.length, rows: most};
}
