// What was decided, newest first: what it matters, what replaced it, what it rests on.
import { get, newest } from "../api.js";
import { calmly, empty, field, h, onDay, pill, plural, status } from "../dom.js";
import { documentAt } from "../passages.js";

export const title = "Decisions";

export default async function fill(view) {
  const box = h("input", { id: "q", type: "search", placeholder: "Search decisions and their reasons", autocomplete: "off", value: view.params.get("q") ?? "" });
  const least = h("input", { id: "least", type: "range", min: "0", max: "1", step: "0.1", value: view.params.get("min_importance") ?? "0" });
  const every = h("input", { id: "every", type: "checkbox", checked: view.params.has("everything") });
  const list = h("ol", { class: "timeline" }), found = h("p", { class: "quiet", role: "status" }), more = h("p", { class: "actions" }), begin = newest();
  const load = async (cursor) => {
    const query = { q: box.value.trim() || null, min_importance: least.value === "0" ? null : least.value, everything: every.checked || null };
    view.keep(query);
    try {
      const page = await get(`${view.at}/decisions`, { ...query, limit: 50, cursor }, begin());
      const items = page.items.map((one) => shown(one, view));
      if (cursor) list.append(...items); else list.replaceChildren(...(items.length ? items : [h("li", { class: "bare" }, empty("No decision to show", query.q || query.min_importance ? "Others may be shown with other words or less importance." : "Documents that record a decision (ADRs, proposals, decision logs) appear here."))]));
      found.textContent = items.length ? `${plural(list.children.length, "decision")}${page.next_cursor ? " so far" : ""}${every.checked ? "" : " that hold"}` : "";
      more.replaceChildren(...(page.next_cursor ? [h("button", { type: "button", onclick: () => load(page.next_cursor) }, "Older ones")] : []));
    } catch (error) { if (error.name !== "AbortError") list.replaceChildren(h("li", { class: "bare" }, empty("Decisions cannot be shown", error.message))); }
  };
  for (const control of [box, least, every]) control.addEventListener("input", calmly(() => load()));
  await load();
  return [h("h1", { class: "unseen" }, "Decisions"),
    h("form", { class: "search row", role: "search", onsubmit: (event) => event.preventDefault() }, h("label", { class: "unseen", for: "q" }, "Search decisions"), box,
      field("least importance", least), h("div", { class: "tick" }, every, h("label", { for: "every" }, "also what no longer holds"))), found, list, more];
}

function importance(value) {
  const full = Math.round(value * 5);
  return h("span", { class: "importance", title: `importance ${value.toFixed(2)}` }, h("span", { class: "unseen" }, `importance ${value.toFixed(1)} of 1`), h("span", { "aria-hidden": "true" }, Array.from({ length: 5 }, (_, place) => h("i", { class: place < full ? "full" : "" }))));
}

function shown(one, view) {
  const chain = h("div", {});
  const details = h("details", { ontoggle: async () => {
    if (!details.open || chain.childElementCount) return;
    const history = await get(`${view.at}/decisions/${one.id}`).catch(() => null);
    chain.append(...["replaced", "replaced_by"].filter((name) => history?.[name]?.length).map((name) => h("p", {}, h("b", {}, name === "replaced" ? "Replaced: " : "Replaced by: "), history[name].map((each, number) => [number ? ", " : "", h("a", { href: documentAt(view.project, each.uri, { source: each.source }) }, each.title)]))));
  } }, h("summary", {}, "Reasons"),
    h("div", { class: "reasons" }, one.rationale ? h("p", { class: "hit-text" }, one.rationale) : h("p", { class: "quiet" }, "No reasons are recorded."),
      one.options.length ? [h("p", {}, h("b", {}, "Weighed against")), h("ul", {}, one.options.map((each) => h("li", {}, each)))] : null,
      one.rests_on.length ? h("p", {}, h("b", {}, "Rests on: "), one.rests_on.join(", ")) : null,
      one.tags.length ? h("p", {}, one.tags.map((tag) => [pill(tag), " "])) : null, chain,
      h("p", { class: "actions" }, h("a", { href: documentAt(view.project, one.uri, { source: one.source }) }, "Read it"), h("a", { href: `/p/${view.project}/graph/${one.id}` }, "In the graph"))));
  return h("li", { class: `decision ${one.holds ? "" : "over"}` },
    h("div", { class: "hit-head" }, h("a", { class: "hit-title", href: documentAt(view.project, one.uri, { source: one.source }) }, one.title), status(one.status), one.at_risk.length ? pill("at risk", "bad") : null, importance(one.importance)),
    h("p", { class: "hit-path" }, [one.key, one.agent, onDay(one.decided_at)].filter(Boolean).join(" · ")),
    one.superseded_by.length ? h("p", { class: "note warn" }, `Replaced by ${one.superseded_by.join(", ")}`) : null,
    one.at_risk.length ? h("ul", { class: "note bad" }, one.at_risk.map((reason) => h("li", {}, reason))) : null,
    details);
}
