// What is claimed: where claims contradict each other, a person who knows says which is true, and the next ingest counts it.
import { all, get, newest, post, remove } from "../api.js";
import { lineChart, reliabilityChart } from "../charts.js";
import { calmly, empty, h, onDay, percent, pill, plural, say, table } from "../dom.js";
import { terms } from "../trust.js";
import { documentAt } from "../passages.js";

const MOST_LABELS = 1000;
export const title = "Claims";

export default async function fill(view) {
  const [{ slots }, said, { items: contested }, measured] = await Promise.all([get(`${view.at}/labels/suggestions`, { limit: 50 }), all(`${view.at}/labels`, {}, MOST_LABELS), get(`${view.at}/claims`, { contested: true, limit: 200 }), get(`${view.at}/calibration`)]);
  const labels = new Map(said.map((one) => [one.claim, one.verdict]));
  const context = { view, labels, whole: said.length < MOST_LABELS, curates: view.may("curate") };
  // The most telling first; what a label has settled already follows.
  const suggested = new Set(slots.flatMap((slot) => slot.claims.map((one) => one.slot_id)));
  const rest = bySlot(contested.filter((one) => !suggested.has(one.slot_id)));
  const open = [...slots.map((slot) => slot.claims), ...rest];
  const box = h("input", { id: "q", type: "search", placeholder: "Find claims about…", autocomplete: "off", value: view.params.get("q") ?? "" });
  const found = h("div", { class: "slots" }), begin = newest();
  const look = async () => {
    const subject = box.value.trim();
    view.keep({ q: subject });
    try {
      const { items, next_cursor: more } = await get(`${view.at}/claims`, { subject: subject || null, limit: subject ? 60 : 15 }, begin());
      found.replaceChildren(...(items.length ? [...bySlot(items).map((claims) => slot(claims, context)), more ? h("p", { class: "quiet" }, subject ? "There are more; name the subject more closely." : "And more: name a subject to find its claims.") : ""] : [empty("No such claim", "Claims are read from header fields, tables, decisions and plain sentences.")]));
    } catch (error) { if (error.name !== "AbortError") found.replaceChildren(empty("Claims cannot be shown", error.message)); }
  };
  box.addEventListener("input", calmly(look));
  await look();
  return [h("h1", {}, "Contested claims"),
    h("p", { class: "lead" }, open.length ? [plural(open.length, "question"), " on which what is written disagrees, the most telling first.", context.curates ? " Say what is so; it counts with the next ingest." : ""] : "Nothing that is written contradicts anything else."),
    open.length ? h("div", { class: "slots", id: "contested" }, open.map((claims) => slot(claims, context))) : null,
    calibration(measured),
    h("h2", { class: "apart" }, "All claims"), h("form", { class: "search", role: "search", onsubmit: (event) => event.preventDefault() }, h("label", { class: "unseen", for: "q" }, "Find claims"), box), found];
}

const NAMES = { destiny: "Destiny", majority: "majority vote" };
const three = (value) => value.toFixed(3);

/** How well what was believed held against labels that had no part in it, beside majority vote. */
function calibration({ calibration: all }) {
  if (!all.length) return h("section", { id: "calibration" }, h("h2", { class: "apart" }, "How well it knows"), h("p", { class: "quiet" }, "Label claims, and each label is held against a model that never saw it: how often is right what was believed?"));
  const now = all.filter((one) => one.generation === all[0].generation), generations = [...new Set(all.map((one) => one.generation))].sort((a, b) => a - b);
  return h("section", { id: "calibration" }, h("h2", { class: "apart" }, "How well it knows"),
    h("p", { class: "lead" }, `Each label was judged by a model that never saw it, ${plural(now[0].judged, "slot")} in all. A dot on the dashed line is as often right as was believed; above it the model is too modest, below too sure.`),
    h("div", { class: "card beside" }, reliabilityChart({ title: "right, by what was believed", series: now.map((one) => ({ name: NAMES[one.method], bins: one.bins })) }),
      h("div", {}, table(`Generation ${now[0].generation}`, ["method", ["right", "right"], ["Brier", "right"], ["ECE", "right"], ["95 %", "right"]], now.map((one) => [NAMES[one.method], three(one.precision), three(one.brier), three(one.ece), `${three(one.ece_low)}–${three(one.ece_high)}`])),
        h("p", { class: "small quiet" }, `On so few slots chance alone shows an ECE of ${three(now[0].ece_if_calibrated)}.`),
        generations.length > 1 ? lineChart({ title: "ECE", from0: true, key: true, format: three, lines: Object.entries(NAMES).map(([method, name]) => ({ name, points: generations.map((number) => all.find((one) => one.generation === number && one.method === method)).filter(Boolean).map((one) => ({ x: one.generation, y: one.ece, low: one.ece_low, high: one.ece_high })) })) }) : null)));
}

function bySlot(claims) {
  const slots = new Map();
  for (const one of claims) slots.set(one.slot_id, [...(slots.get(one.slot_id) ?? []), one]);
  return [...slots.values()];
}

function slot(claims, context) {
  return h("section", { class: "card slot", "aria-label": `${claims[0].subject}, ${claims[0].predicate}` },
    h("h3", {}, claims[0].subject, h("span", { class: "predicate" }, ` ${claims[0].predicate}`)),
    h("ul", { class: "values" }, claims.map((one) => value(one, context))));
}

function value(one, { view, labels, whole, curates }) {
  const told = h("span", { class: "told" }), body = h("div", {});
  const back = h("button", { type: "button", class: "verdict", "aria-label": `Take the label back: ${one.subject} ${one.predicate} ${one.value}`, onclick: () => takeBack() }, "Take back");
  const buttons = [[true, "True"], [false, "False"]].map(([verdict, name]) => h("button", { type: "button", class: `verdict ${verdict ? "yes" : "no"}`, "aria-label": `${name}: ${one.subject} ${one.predicate} ${one.value}`, onclick: () => label(verdict) }, name));
  const mark = () => {
    // What a generation counted and is not among the labels was taken back, where that list is whole.
    const verdict = labels.has(one.id) ? labels.get(one.id) : whole ? null : one.label;
    back.hidden = verdict === null;
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(verdict === (place === 0))));
    const counted = verdict === one.label;
    told.replaceChildren(...(verdict === null ? [] : [pill(`labelled ${verdict}`, verdict ? "good" : "bad")]), counted ? "" : h("span", { class: "small quiet" }, verdict === null ? "taken back with the next ingest" : " counts with the next ingest"));
  };
  const change = async (request, verdict, said) => {
    const all = [...buttons, back];
    all.forEach((button) => { button.disabled = true; });
    try {
      await request();
      labels.set(one.id, verdict);
      mark();
      say(said);
    } catch (error) { told.replaceChildren(h("span", { class: "note bad", role: "alert" }, error.message)); }
    all.forEach((button) => { button.disabled = false; });
    // A button that is gone keeps no focus.
    if (back.hidden && document.activeElement === document.body) buttons[0].focus();
  };
  const label = (verdict) => change(() => post(`${view.at}/labels`, { labels: [{ claim: one.id, verdict }] }), verdict, `${one.value} is labelled ${verdict}. It counts with the next ingest.`);
  const takeBack = () => change(() => remove(`${view.at}/labels/${one.id}`), null, `The label of ${one.value} is taken back with the next ingest.`);
  const why = h("details", { ontoggle: async () => {
    if (!why.open || body.childElementCount) return;
    try { body.replaceChildren(...explained(await get(`${view.at}/claims/${one.id}`), view)); } catch (error) { body.replaceChildren(empty("This cannot be explained", error.message)); }
  } }, h("summary", {}, "Why"), body);
  mark();
  return h("li", { class: `value ${one.standing === "current" ? "" : "over"}`, "data-claim": one.id },
    h("div", { class: "value-head" },
      h("span", { class: "value-text" }, one.value), one.standing === "current" ? null : pill(one.standing, "warn"),
      h("span", { class: "probability", "aria-hidden": "true" }, h("span", { style: { width: `${one.probability * 100}%` } })), h("span", { class: "share" }, percent(one.probability)), told, curates ? h("span", { class: "verdicts" }, buttons, back) : null),
    h("p", { class: "small quiet" }, one.witnesses.length ? `${one.witnesses.slice(0, 4).join(", ")}${one.witnesses.length > 4 ? ` and ${one.witnesses.length - 4} more` : ""}` : ""), why);
}

function explained(claim, view) {
  return [terms(claim.terms, claim.log_odds, `of log-odds; weighed against its rivals, that is a probability of ${claim.probability.toFixed(3)}`),
    h("h4", {}, "Who says so"), h("ul", { class: "evidence" }, claim.evidence.map((one) => h("li", {}, h("b", {}, one.witness), " in ",
      h("a", { href: documentAt(view.project, one.uri, { source: one.source, span: one.span ?? undefined, generation: claim.generation }) }, one.uri), one.table_row === null ? "" : `, row ${one.table_row}`, one.observed_at ? `, ${onDay(one.observed_at)}` : "", one.quote ? h("blockquote", {}, one.quote) : null))),
    claim.would_change.length ? [h("h4", {}, "What would change it"), h("ul", {}, claim.would_change.map((sentence) => h("li", {}, sentence)))] : ""].flat();
}
