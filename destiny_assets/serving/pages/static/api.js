// The pages ask the API that everybody asks, under the session's cookie. What it refuses becomes an error with its own words.
const PATIENCE = 2;

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.status = status;
  }
}

async function ask(method, path, { query, body, signal, as = "json" } = {}, tries = 0) {
  const address = new URL(`/v1${path}`, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== null && one !== undefined && one !== "") address.searchParams.append(name, one);
  }
  const headers = { Accept: "application/json" };
  if (method !== "GET") Object.assign(headers, { "X-Destiny-Page": "1", "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) });
  let answer;
  try {
    answer = await fetch(address, { method, headers, signal, body: body && JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { detail: "The server does not answer. Look whether destiny serve is running." });
  }
  if (answer.status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {});
  }
  if ((answer.status === 429 || answer.status === 503) && tries < PATIENCE) {
    await new Promise((go) => setTimeout(go, 1000 * Number(answer.headers.get("Retry-After") ?? 1)));
    return ask(method, path, { query, body, signal, as }, tries + 1);
  }
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
  return as === "text" ? answer.text() : answer.json();
}

export const get = (path, query, signal) => ask("GET", path, { query, signal });
export const text = (path, query) => ask("GET", path, { query, as: "text" });
export const remove = (path, signal) => ask("DELETE", path, { signal });
export const post = (path, body, signal) => ask("POST", path, { body, signal });

/** Every item of a list, page after page, up to `most`. */
export async function all(path, query = {}, most = 1000) {
  const items = [];
  let cursor;
  do {
    const page = await get(path, { limit: 200, ...query, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < most);
  return items;
}

/** Aborts the request before when another one begins, so that a late answer never takes the place of a newer one. */
export function newest() {
  let running;
  return () => { running?.abort(); running = new AbortController(); return running.signal; };
}
