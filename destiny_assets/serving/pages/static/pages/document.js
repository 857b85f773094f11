// A document as it was read, with the exact stretch marked that a search, an answer or a claim pointed to; and why it is trusted.
import { get, text as read } from "../api.js";
import { count, empty, h, onDay, section, status } from "../dom.js";
import { meter, terms } from "../trust.js";
import { documentAt, place } from "../passages.js";

export const title = "Document";
// A browser lays out a million characters slowly; around a marked stretch so many are shown at first.
const WINDOW = 120_000;

const summed = (p) => `of log-odds, which is trust ${p.toFixed(3)}`;

export default async function fill(view) {
  const uri = view.params.get("uri"), source = view.params.get("source"), chunk = view.params.get("chunk");
  const when = { as_of: view.params.get("as_of"), generation: view.params.get("generation") };
  const { items: [document] } = await get(`${view.at}/documents`, { uri, source, limit: 1, ...when });
  if (!document) return empty("This document is not here", `No document ${uri} is shown now. It may have left since.`);
  const about = (item) => get(`${view.at}/trust`, { item, ...when });
  const [body, now, whole, passage] = await Promise.all([
    read(`${view.at}/documents/${document.id}/text`, when), when.generation ? get(view.at) : null, about(document.id).catch(() => about(document.uri)), chunk ? about(chunk).catch(() => null) : null]);
  const span = /^(\d+)-(\d+)$/.exec(view.params.get("span") ?? "")?.slice(1).map(Number);
  return [
    h("p", { class: "crumbs" }, h("a", { href: `/p/${view.project}/search`, onclick: (event) => { if (history.state?.within) { event.preventDefault(); history.back(); } } }, "Search"), " › ", document.source),
    h("h1", {}, document.title || document.uri),
    h("p", { class: "facts" }, status(document.status), meter(document.trust), document.authors.length ? h("span", {}, document.authors.join(", ")) : null,
      document.updated_on || document.created_on ? h("span", {}, onDay(document.updated_on ?? document.created_on)) : null, h("code", {}, document.uri)),
    now && now.generation !== Number(when.generation) ? h("p", { class: "notice", role: "note" }, `So generation ${when.generation} showed it; readers see generation ${now.generation} now. `, h("a", { href: documentAt(view.project, uri, { source }) }, "As it is now")) : null,
    document.superseded_by.length ? h("p", { class: "notice warn", role: "note" }, `Superseded by ${document.superseded_by.join(", ")}. What it says may no longer hold.`) : null,
    h("div", { class: "reading" },
      h("article", { class: "card paper" }, shown(body, span)),
      h("aside", { "aria-label": "Trust and origin" },
        passage ? section(passage.p === whole.p ? "Trust in this passage and its document" : "Trust in this passage", terms(passage.terms, passage.log_odds, summed(passage.p))) : null,
        passage?.p === whole.p ? null : section(passage ? "Trust in the document" : "Trust", terms(whole.terms, whole.log_odds, summed(whole.p))),
        section("Origin", h("dl", { class: "rows" },
          h("dt", {}, "source"), h("dd", {}, document.source), h("dt", {}, "kind"), h("dd", {}, document.media_type || "unknown"),
          h("dt", {}, "length"), h("dd", {}, `${count(document.characters)} characters`), h("dt", {}, "SHA-256"), h("dd", {}, h("code", { title: document.sha256 }, `${document.sha256.slice(0, 12)}…`))),
          h("p", { class: "actions" }, h("a", { href: `/p/${view.project}/graph/${document.id}` }, "In the graph"), h("a", { href: `/v1${view.at}/documents/${document.id}/original`, download: "" }, "Original")))))];
}

function shown(body, span) {
  if (!span) {
    const long = body.length > WINDOW, text = h("pre", { class: "text" }, long ? body.slice(0, WINDOW) : body);
    return [text, long ? rest(text, () => [body]) : null];
  }
  const start = place(body, span[0]), end = place(body, span[1], start, span[0]);
  const mark = () => h("mark", { id: "passage", tabindex: "-1", "data-scroll": "" }, body.slice(start, end));
  const from = Math.max(0, start - WINDOW / 2), to = Math.min(body.length, end + WINDOW / 2);
  const text = h("pre", { class: "text" }, from ? "…\n" : "", body.slice(from, start), mark(), body.slice(end, to), to < body.length ? "\n…" : "");
  return [text, from || to < body.length ? rest(text, () => [body.slice(0, start), mark(), body.slice(end)]) : null];
}

function rest(text, whole) {
  const button = h("button", { type: "button", onclick: () => { text.replaceChildren(...whole()); button.remove(); } }, "Show the whole document");
  return button;
}
