// All projects of the caller at a glance.
import { all } from "../api.js";
import { ago, count, empty, h, plural, short } from "../dom.js";
import { spark } from "../charts.js";

export const title = "Projects";

export default async function fill(view) {
  if (!view.projects.length) return [h("h1", {}, "Projects"), empty("Nothing here yet", "Your key opens no project that exists. Create one with ", h("code", {}, "destiny project add notes"), ", or ask for a key with a grant to one.")];
  const histories = await Promise.all(view.projects.map((one) => all(`/projects/${one.project}/generations`, {}, 200).catch(() => [])));
  return [h("h1", {}, "Projects"), h("p", { class: "lead" }, plural(view.projects.length, "project"), " you may read."),
    h("ul", { class: "tiles" }, view.projects.map((one, number) => {
      const held = histories[number].filter((each) => each.state === "published" && each.facts).reverse().map((each) => each.facts.chunks ?? 0);
      return h("li", {}, h("a", { class: "card tile-link", href: `/p/${one.project}` },
        h("h2", {}, one.project),
        h("p", { class: "quiet" }, one.generation ? [`Generation ${one.generation}, published `, ago(one.published_at)] : "Nothing published yet"),
        h("div", { class: "tile-row" }, h("dl", { class: "pairs" }, h("div", {}, h("dt", {}, "documents"), h("dd", {}, count(one.documents))), h("div", {}, h("dt", {}, "chunks"), h("dd", {}, short(one.chunks)))), held.length > 1 ? spark(held, "Chunks by generation") : null),
        one.quarantined ? h("p", { class: "note warn" }, `${plural(one.quarantined, "document")} in quarantine`) : null));
    }))];
}
