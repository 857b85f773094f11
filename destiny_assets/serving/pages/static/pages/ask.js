// A question and an answer whose every citation leads to the words it rests on.
import { newest, post } from "../api.js";
import { empty, h, plural } from "../dom.js";
import { meter } from "../trust.js";
import { documentAt } from "../passages.js";

export const title = "Ask";

export default async function fill(view) {
  const box = h("textarea", { id: "q", rows: "2", required: true, maxlength: "10000", placeholder: "Why was it decided so?" }, view.params.get("q") ?? "");
  const button = h("button", { type: "submit", class: "primary" }, "Ask"), place = h("div", { id: "answer", "aria-live": "polite" }), begin = newest();
  const ask = async () => {
    const question = box.value.trim();
    if (!question) return;
    view.keep({ q: question });
    button.disabled = true;
    place.replaceChildren(h("p", { class: "quiet" }, "Looking for what is known…"));
    try {
      const answer = await post(`${view.at}/ask`, { question }, begin());
      place.replaceChildren(...shown(answer, view));
    } catch (error) {
      if (error.name !== "AbortError") place.replaceChildren(empty("There is no answer", error.message));
    }
    button.disabled = false;
  };
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); ask(); } });
  if (view.params.has("q")) ask();
  else {
    place.append(empty("Every answer comes with its sources", "It is put together from passages of this project; each number leads to the exact words."));
    setTimeout(() => box.focus(), 0);
  }
  return [h("h1", { class: "unseen" }, "Ask"), h("form", { class: "ask", onsubmit: (event) => { event.preventDefault(); ask(); } }, h("label", { class: "unseen", for: "q" }, "Your question"), box, button), place];
}

function shown(answer, view) {
  const where = (one) => documentAt(view.project, one.uri, { span: one.span, chunk: one.chunk_id, generation: answer.generation });
  const cited = new Map(answer.citations.map((one) => [String(one.number), one]));
  const told = answer.answer.split(/\[(\d+)\]/).map((part, number) => {
    if (number % 2 === 0) return part;
    const one = cited.get(part);
    return one ? h("a", { class: "cite", href: where(one), "aria-label": `Source ${part}: ${one.document}` }, part) : `[${part}]`;
  });
  return [
    h("div", { class: "card answer" }, h("p", {}, told), h("p", { class: "small quiet" }, answer.method === "extractive" ? "In the words of the documents" : `In the words of ${answer.method}`, `, generation ${answer.generation}, ${Math.round(answer.latency_ms)} ms`, answer.degraded.length ? h("span", { class: "note warn" }, ` without ${answer.degraded.join(", ")}`) : null)),
    answer.refused ? refusal(answer, where) : h("h2", {}, plural(answer.citations.length, "source")),
    h("ol", { class: "hits" }, answer.citations.map((one) => h("li", { class: "hit" },
      h("div", { class: "hit-head" }, h("span", { class: "cite", "aria-hidden": "true" }, String(one.number)), h("a", { class: "hit-title", href: where(one) }, one.document), meter(one.trust)),
      h("p", { class: "hit-path" }, one.uri), h("blockquote", {}, one.quote),
      one.superseded_by.length ? h("p", { class: "note warn" }, `Superseded by ${one.superseded_by.join(", ")}`) : null,
      one.at_risk.length ? h("p", { class: "note bad" }, `At risk: ${one.at_risk.join("; ")}`) : null)))];
}

function refusal(answer, where) {
  const absent = new Set(answer.not_found), words = answer.looked_for.flatMap((word, n) => [n ? ", " : "", absent.has(word) ? h("s", { title: "In none of the nearest passages" }, word) : h("strong", {}, word)]);
  return h("div", { id: "refusal" },
    answer.looked_for.length ? h("p", {}, "Looked for ", words, ". ", answer.not_found.length ? h("span", { class: "quiet" }, "What is struck out stands in none of the nearest passages.") : null) : null,
    answer.nearest.length ? h("h2", {}, "What came nearest") : null,
    h("ol", { class: "hits" }, answer.nearest.map((one) => h("li", { class: "hit" },
      h("div", { class: "hit-head" }, h("a", { class: "hit-title", href: where(one) }, one.document), meter(one.trust)),
      h("p", { class: "hit-path" }, one.uri), h("blockquote", {}, one.text)))));
}
