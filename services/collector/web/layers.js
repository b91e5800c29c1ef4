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

// An edge over several layers takes a place in each of those between, so that no node stands in its
// way: the names of these places, and the edge as steps of one layer.
function wayOf(edge, layer, taken) {
  const names = [];
  for (let at = layer.get(edge.from) + 1; at < layer.get(edge.to); at++) {
    let name = `way ${taken.size} ${at}`;
    while (taken.has(name)) name += "'";
    taken.add(name);
    layer.set(name, at);
    names.push(name);
  }
  const stops = [edge.from, ...names, edge.to];
  return {names, steps: stops.slice(1).map((to, index) => ({from: stops[index], to}))};
}

// [{from, to}] -> name -> {layer, row}, and how many of each; `ways`: for each edge the places that
// it goes through. Short layers stand in the middle.
export function layout(names, edges) {
  const layer = rank(names, edges);
  const taken = new Set(names);
  const ways = edges.map((edge) => wayOf(edge, layer, taken));
  const columns = [];
  for (const name of [...taken].sort()) (columns[layer.get(name)] ??= []).push(name);
  const dense = columns.filter(Boolean);
  order(dense, ways.flatMap((way) => way.steps));
  const places = new Map();
  const most = dense.reduce((rows, column) => Math.max(rows, column.length), 0);
  dense.forEach((column, x) => column.forEach((name, index) => places.set(name,
    {layer: x, row: index + (most - column.length) / 2})));
  return {places, layers: dense.length, rows: most,
    ways: ways.map((way) => way.names.map((name) => places.get(name)))};
}
