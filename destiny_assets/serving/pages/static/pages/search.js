// The knowledge browser: searching while one types, narrowed by what the documents have.
import { get, newest } from "../api.js";
import { calmly, empty, field, h, plural, select, status } from "../dom.js";
import { meter } from "../trust.js";
import { documentAt, emphasised } from "../passages.js";

export const title = "Search";
const RECIPES = ["best", "hybrid", "graph", "conversation", "trusted", "dense", "lexical"];
const MODES = [["all", "everything"], ["balanced", "balanced"], ["strict", "strict"]];
const NARROWED = ["source", "kind", "status", "author", "tag", "since", "until", "as_of", "recipe", "mode", "min_trust"];
const STEP = 10, MOST = 50;
const USUAL = { recipe: "best", mode: "all", min_trust: "0" };

export default async function fill(view) {
  const choices = await get(`${view.at}/choices`, { most: 100 });
  const asked = (name) => view.params.get(name) ?? USUAL[name] ?? "";
  const some = (name, list, any) => select(name, [["", any], ...list.map((one) => [one.value, `${one.value} (${one.documents})`])], asked(name));
  const kinds = [...new Set(choices.sources.map((one) => one.kind).filter(Boolean))];
  const box = h("input", { id: "q", type: "search", value: asked("q"), placeholder: "What do you want to know?", autocomplete: "off", spellcheck: "false", "aria-describedby": "found" });
  const trust = h("input", { id: "min_trust", type: "range", min: "0", max: "0.9", step: "0.1", value: asked("min_trust") });
  const controls = {
    source: some("source", choices.sources, "any source"), kind: select("kind", [["", "any kind"], ...kinds.map((one) => [one, one])], asked("kind")),
    status: some("status", choices.statuses, "any status"), author: some("author", choices.authors, "any author"),
    ...(choices.tags.length ? { tag: some("tag", choices.tags, "any tag") } : {}),
    since: h("input", { id: "since", type: "date", value: asked("since") }), until: h("input", { id: "until", type: "date", value: asked("until") }),
    as_of: h("input", { id: "as_of", type: "datetime-local", value: asked("as_of") }),
    recipe: select("recipe", RECIPES.map((one) => [one, one]), asked("recipe")), mode: select("mode", MODES, asked("mode")), min_trust: trust,
  };
  const NAMES = { as_of: "as of", min_trust: "least trust", recipe: "recipe", mode: "held back", since: "dated from", until: "dated before" };
  const found = h("p", { id: "found", class: "quiet", role: "status" });
  const list = h("ol", { class: "hits" });
  const begin = newest(), more = h("p", { class: "actions" });
  let wanted = STEP;
  const used = h("span", { class: "count" });
  const search = async () => {
    const q = box.value.trim(), chosen = Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.value]));
    const said = Object.fromEntries(Object.entries(chosen).filter(([name, value]) => value && value !== USUAL[name]));
    view.keep({ q, ...said });
    used.textContent = Object.keys(said).length ? String(Object.keys(said).length) : "";
    const signal = begin();
    if (!q) {
      found.textContent = "";
      more.replaceChildren();
      list.replaceChildren(h("li", { class: "bare" }, empty("Ask in plain words", "Type a question, a name or an identifier. Passages appear while you type; each leads to its place in the document.")));
      return;
    }
    list.setAttribute("aria-busy", "true");
    try {
      const query = { ...chosen, q, k: wanted, as_of: chosen.as_of && new Date(chosen.as_of).toISOString() };
      const result = await get(`${view.at}/search`, query, signal);
      const times = { generation: result.generation };
      found.replaceChildren(plural(result.hits.length, "passage"), ` by ${result.recipe}, generation ${result.generation}, ${Math.round(result.latency_ms)} ms`, result.withheld ? `; ${result.withheld} held back` : "", result.degraded.length ? h("span", { class: "note warn" }, ` without ${result.degraded.join(", ")}`) : "");
      list.replaceChildren(...(result.hits.length ? result.hits.map((hit) => shown(hit, view, q, times)) : [h("li", { class: "bare" }, empty("Nothing found", Object.keys(said).length ? "Fewer filters may find more." : "Try other words."))]));
      more.replaceChildren(...(result.hits.length === wanted && wanted < MOST ? [h("button", { type: "button", onclick: () => { wanted = MOST; search(); } }, "More passages")] : []));
    } catch (error) {
      if (error.name === "AbortError") return;
      more.replaceChildren();
      found.textContent = "";
      list.replaceChildren(h("li", { class: "bare" }, empty("This could not be searched", error.message)));
    }
    list.removeAttribute("aria-busy");
  };
  box.addEventListener("input", calmly(() => { wanted = STEP; search(); }));
  for (const control of Object.values(controls)) control.addEventListener(control.type === "range" ? "input" : "change", calmly(search, 60));
  box.addEventListener("keydown", (event) => { if (event.key === "ArrowDown") { event.preventDefault(); list.querySelector("a")?.focus(); } });
  list.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a.hit-title")], here = links.indexOf(document.activeElement);
    if (here < 0 || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    (event.key === "ArrowDown" ? links[Math.min(here + 1, links.length - 1)] : here ? links[here - 1] : box).focus();
  });
  search();
  queueMicrotask(() => setTimeout(() => view.params.has("q") || box.focus(), 0));
  const narrowed = NARROWED.some((name) => view.params.has(name));
  return [h("h1", { class: "unseen" }, "Search"),
    h("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); search(); } },
      h("label", { class: "unseen", for: "q" }, "Search the knowledge base"), box,
      h("details", { class: "filters", open: narrowed && innerWidth > 700 }, h("summary", {}, "Filters ", used), h("div", { class: "fields" }, Object.entries(controls).map(([name, control]) => field(NAMES[name] ?? name, control))))),
    found, list, more];
}

function shown(hit, view, question, times) {
  const where = { source: hit.source, span: hit.span, chunk: hit.chunk_id, ...times };
  return h("li", { class: "hit" },
    h("div", { class: "hit-head" }, h("a", { class: "hit-title", href: documentAt(view.project, hit.uri, where) }, hit.document), status(hit.status), meter(hit.trust)),
    h("p", { class: "hit-path" }, [hit.uri, ...hit.heading.filter((part) => part !== hit.document)].join(" › ")),
    h("p", { class: "hit-text" }, emphasised(hit.text, question)),
    hit.superseded_by.length ? h("p", { class: "note warn" }, `Superseded by ${hit.superseded_by.join(", ")}`) : null,
    hit.at_risk.length ? h("p", { class: "note bad" }, `At risk: ${hit.at_risk.join("; ")}`) : null,
    hit.copies.length ? h("p", { class: "small quiet" }, "Nearly the same in ", hit.copies.map((copy, number) => [number ? ", " : "", h("a", { href: documentAt(view.project, copy.uri, { span: copy.span, chunk: copy.chunk_id, ...times }) }, copy.document)])) : null);
}
