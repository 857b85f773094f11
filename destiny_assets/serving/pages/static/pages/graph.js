// What is one edge away from an entity, document, chunk or decision: a drawing, and the same as a list for the keyboard.
import { get, newest } from "../api.js";
import { calmly, empty, h, pill, plural, s, say, words } from "../dom.js";
import { settle } from "../forces.js";

export const title = "Graph";
const MOST = 40, LETTERS = 26;
const readable = (text) => words(text.toLowerCase());
const clipped = (text) => (text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text);

export default async function fill(view) {
  const place = h("div", {}), found = h("ul", { class: "chips", "aria-label": "Entities found" }), begin = newest();
  const box = h("input", { id: "q", type: "search", placeholder: "Find an entity, a document, a person…", autocomplete: "off", value: view.params.get("q") ?? "" });
  const look = async () => {
    const q = box.value.trim();
    try {
      const { items } = await get(`${view.at}/entities`, { q: q || null, limit: q ? 30 : 200 }, begin());
      const best = items.sort((a, b) => b.mentions - a.mentions).slice(0, q ? 18 : 14);
      found.replaceChildren(...best.map((one) => h("li", {}, h("a", { class: `chip kind-${one.kind}`, href: `/p/${view.project}/graph/${one.id}${q ? `?q=${encodeURIComponent(q)}` : ""}`, title: `${one.kind}, named in ${plural(one.mentions, "chunk")}` }, clipped(one.name), h("span", { class: "quiet" }, ` ${one.mentions}`)))));
      if (!best.length) found.replaceChildren(h("li", { class: "quiet" }, "Nothing of that name."));
    } catch (error) { if (error.name !== "AbortError") found.replaceChildren(h("li", { class: "note bad" }, error.message)); }
  };
  box.addEventListener("input", calmly(look));
  await look();
  if (view.item) place.replaceChildren(...(await around(view)));
  else place.replaceChildren(empty("Choose where to begin", "The graph shows what names what, what refers to what, and what replaced what."));
  return [h("h1", { class: "unseen" }, "Graph"), h("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); look(); } }, h("label", { class: "unseen", for: "q" }, "Find an entity"), box), found, place];
}

async function around(view) {
  const answer = await get(`${view.at}/graph/${view.item}`, { limit: 200 });
  // One node may be at the end of several edges: it is drawn once, with all of their names.
  const held = new Map();
  for (const edge of answer.edges) {
    const known = held.get(edge.node.id) ?? { ...edge.node, says: new Set() };
    known.says.add(`${edge.outgoing ? "→" : "←"} ${readable(edge.type)}`);
    held.set(edge.node.id, known);
  }
  // What has a name of its own goes before the passages that mention it.
  const near = [...held.values()].filter((node) => node.id).sort((a, b) => (a.label === "Chunk") - (b.label === "Chunk")), drawn = near.slice(0, MOST);
  const to = (node) => `/p/${view.project}/graph/${node.id}`;
  const name = (node) => node.name || readable(node.label);
  // Drawn in the size it is shown in, so that names can be read on a phone too.
  const wide = innerWidth > 860, WIDTH = wide ? 760 : Math.max(300, Math.min(760, innerWidth - 50)), HEIGHT = wide ? 540 : Math.max(380, WIDTH * 0.9), named = wide ? 22 : 8;
  const nodes = [answer.node, ...drawn], places = settle(nodes.length, drawn.map((_, number) => [0, number + 1]), WIDTH, HEIGHT, 56);
  const picture = s("svg", { class: "graph", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name(answer.node)} and ${plural(drawn.length, "neighbour")}; the list beside it says the same.` },
    drawn.map((_, number) => s("line", { x1: places[0].x, y1: places[0].y, x2: places[number + 1].x, y2: places[number + 1].y, "data-node": number })),
    nodes.map((node, number) => s("g", { class: `node label-${node.label.toLowerCase()}${number ? "" : " centre"}`, "data-node": number - 1, onclick: number ? () => view.go(to(node)) : null, transform: `translate(${places[number].x.toFixed(1)} ${places[number].y.toFixed(1)})` },
      s("title", {}, `${readable(node.label)}: ${name(node)}`), s("circle", { r: number ? 7 : 12 }),
      !number || (nodes.length < named) || (node.label !== "Chunk" && number < named) ? s("text", { y: number ? 20 : 28, "text-anchor": "middle" }, clipped(name(node))) : null)));
  const light = (number, on) => picture.querySelectorAll(`[data-node="${number}"]`).forEach((part) => part.classList.toggle("lit", on));
  say(`${name(answer.node)}, ${plural(near.length, "neighbour")}`);
  return [
    h("h2", { class: "graph-title" }, pill(readable(answer.node.label)), " ", name(answer.node)),
    near.length ? h("div", { class: "exploring" },
      h("figure", { class: "card" }, picture, h("figcaption", { class: "legend small" }, [...new Set(nodes.map((node) => node.label))].map((label) => h("span", { class: `label-${label.toLowerCase()}` }, h("span", { class: "dot", "aria-hidden": "true" }), readable(label))), near.length > drawn.length ? h("span", { class: "quiet" }, `${near.length - drawn.length} more in the list`) : null)),
      h("nav", { class: "card neighbours", "aria-label": "Neighbours" }, h("h3", {}, plural(near.length, "neighbour")), h("ul", {}, near.map((node, number) =>
        h("li", { onmouseenter: () => light(number, true), onmouseleave: () => light(number, false) },
          h("a", { href: to(node), onfocus: () => light(number, true), onblur: () => light(number, false) }, name(node)), h("span", { class: "small quiet" }, `${readable(node.label)} · ${[...node.says].join(", ")}`)))))) : answer.degraded.length ? empty("The graph does not answer now", `Without ${answer.degraded.join(", ")}; look again in a moment.`) : empty("Nothing is connected to this"),
  ];
}
