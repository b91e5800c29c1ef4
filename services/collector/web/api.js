// Questions to the collector: Jaeger's query API, and the few of its own under /api/culprit/.

export class ApiError extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

// The collector names parameters; people see fields.
const FIELDS = {"query.duration_min": "Longer than", "query.duration_max": "Shorter than",
  "query.attributes": "Attributes", "query.num_traces": "Limit"};

async function words(answer) {
  try {
    const body = await answer.json();
    const said = body.error?.message ?? body.errors?.[0]?.msg ?? answer.statusText;
    return said.replace(/^query\.\w+/, (name) => FIELDS[name] ? `“${FIELDS[name]}”` : name);
  } catch {
    return answer.statusText || `status ${answer.status}`;
  }
}

export async function get(path, query, signal) {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined
    && value !== null && value !== "");
  const search = new URLSearchParams(pairs).toString();
  let answer;
  try {
    answer = await fetch(search ? `${path}?${search}` : path, {signal, credentials: "same-origin"});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The collector does not answer.");
  }
  if (!answer.ok) throw new ApiError(answer.status, await words(answer));
  return answer.json();
}

export async function services(signal) {
  return (await get("/api/v3/services", {}, signal)).services;
}

export async function operations(service, signal) {
  const found = (await get("/api/v3/operations", {service}, signal)).operations;
  return [...new Set(found.map((one) => one.name))].sort();
}

export async function trace(id, signal) {
  return (await get(`/api/v3/traces/${encodeURIComponent(id)}`, {}, signal)).result.resourceSpans;
}

// A search in the page's own words as Jaeger's API has it.
export function searchQuery(search, limit) {
  const {start, end} = search.range;
  return {
    "query.service_name": search.service,
    "query.operation_name": search.operation,
    "query.duration_min": search.min,
    "query.duration_max": search.max,
    "query.attributes": search.tags ? JSON.stringify(readTags(search.tags)) : "",
    "query.start_time_min": new Date(start).toISOString(),
    "query.start_time_max": new Date(end).toISOString(),
    "query.num_traces": limit,
  };
}

export async function summaries(search, signal) {
  return (await get("/api/v3/trace-summaries", searchQuery(search, search.limit), signal))
    .summaries;
}

export async function traces(search, limit, signal) {
  try {
    return (await get("/api/v3/traces", searchQuery(search, limit), signal)).result.resourceSpans;
  } catch (error) {
    if (error.status === 404) return []; // Jaeger's way of saying "none"
    throw error;
  }
}

// error=true http.route="/a b": pairs, values quoted where they have spaces.
export function readTags(text) {
  const tags = {};
  for (const [, key, quoted, plain] of text.matchAll(/([^\s=]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g)) {
    tags[key] = quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1");
  }
  if (Object.keys(tags).length === 0) throw new ApiError(400, "Attributes are written key=value.");
  return tags;
}
