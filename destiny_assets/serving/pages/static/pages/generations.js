// What was published when, what changed, and the way back.
import { all, get, post } from "../api.js";
import { ago, count, empty, h, pill, say } from "../dom.js";
import { documentAt } from "../passages.js";

export const title = "Generations";
const COUNTS = ["documents", "chunks", "tokens", "entities"];

export default async function fill(view) {
  const items = await all(`${view.at}/generations`, {}, 400), head = h("h1", {}, "Generations");
  if (!items.length) return [head, empty("Nothing was published yet", h("code", {}, `destiny ingest ${view.project}`), " builds the first.")];
  const readable = items.filter((one) => one.state === "published" && !one.vacuumed_at);
  return [head, h("p", { class: "lead" }, "Readers see one generation as a whole. ", view.may("curate") ? "Rolling back points them at an earlier one; nothing is deleted, and the way forward is the same." : ""),
    h("ol", { class: "generations" }, items.map((one) => shown(one, items, readable, view)))];
}

function shown(one, items, readable, view) {
  const before = readable.find((other) => other.number < one.number), place = h("div", {});
  const details = before && one.state === "published" && !one.vacuumed_at ? h("details", { ontoggle: async () => {
    if (!details.open || place.childElementCount) return;
    try {
      const { documents } = await get(`${view.at}/generations/${one.number}/changes`, { since: before.number, limit: 100 });
      place.replaceChildren(documents.items.length ? h("ul", { class: "changes" }, documents.items.map((each) => h("li", {}, pill(each.change, { added: "good", removed: "bad" }[each.change] ?? "plain"), " ", each.change === "removed" ? each.uri : h("a", { href: documentAt(view.project, each.uri, { source: each.source, generation: one.number }) }, each.title || each.uri))), documents.next_cursor ? h("li", { class: "quiet" }, "and more") : "") : h("p", { class: "quiet" }, "No document differs; links, claims or scores do."));
    } catch (error) { place.replaceChildren(empty("Changes cannot be shown", error.message)); }
  } }, h("summary", {}, `What changed since ${before.number}`), place) : null;
  const state = one.current ? pill("what readers see", "good") : one.vacuumed_at ? pill("vacuumed", "plain") : one.state === "published" ? null : pill(one.state, one.state === "rejected" ? "bad" : "warn");
  return h("li", { class: `card generation ${one.current ? "current" : ""}` },
    h("div", { class: "hit-head" }, h("h2", {}, `Generation ${one.number}`), state, h("span", { class: "spring" }),
      view.may("curate") && !one.current && readable.includes(one) ? h("button", { type: "button", onclick: () => confirm(one, items, view) }, "Roll back to this") : null),
    h("p", { class: "quiet" }, one.published_at ? ["Published ", ago(one.published_at)] : ["Begun ", ago(one.started_at)]),
    one.reason ? h("p", { class: "note bad" }, one.reason) : null,
    one.facts ? h("dl", { class: "pairs" }, COUNTS.filter((name) => one.facts[name] !== undefined).map((name) => {
      const change = before?.facts ? one.facts[name] - (before.facts[name] ?? 0) : 0;
      return h("div", {}, h("dt", {}, name), h("dd", {}, count(one.facts[name]), change ? h("span", { class: "delta" }, ` ${change > 0 ? "+" : "−"}${count(Math.abs(change))}`) : null));
    })) : null, details);
}

function confirm(one, items, view) {
  const current = items.find((each) => each.current), problem = h("p", { class: "problem", role: "alert" });
  const dialog = h("dialog", { "aria-labelledby": "really" },
    h("h2", { id: "really" }, `Show readers generation ${one.number}?`),
    h("p", {}, `They see generation ${current?.number} now. This takes effect at once, for everybody, and is kept in the audit log.`), problem,
    h("div", { class: "actions" }, h("button", { type: "button", onclick: () => dialog.close() }, "Leave it"), h("button", { type: "button", class: "primary", onclick: async (event) => {
      event.target.disabled = true;
      try {
        await post(`${view.at}/rollback`, { generation: one.number });
        dialog.close();
        say(`Readers see generation ${one.number}.`);
        view.go(location.pathname);
      } catch (error) { problem.textContent = error.message; event.target.disabled = false; }
    } }, "Roll back")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
