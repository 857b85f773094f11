// One project: what its current generation holds, how it grew, whether the layers agree, what is in quarantine, the last runs.
import { all, get } from "../api.js";
import { ago, count, empty, h, pill, seconds, section, short, table, words } from "../dom.js";
import { histogram, lineChart, parts } from "../charts.js";

export const title = "Overview";
const GROWN = ["documents", "chunks", "tokens"];
const STATES = { published: "good", unchanged: "plain", rejected: "bad", unfinished: "warn" };

export default async function fill(view) {
  const inspects = view.may("inspect");
  const [generations, report, runs] = await Promise.all([
    all(`${view.at}/generations`, {}, 400), inspects ? get(`${view.at}/report`) : null, inspects ? get(`${view.at}/runs`, { limit: 8 }) : null]);
  const current = generations.find((one) => one.current), head = h("h1", {}, view.project);
  if (!current) return [head, empty("Nothing is published yet", "Attach a source and ingest: ", h("code", {}, `destiny ingest ${view.project}`)), quarantine(report)];
  const facts = current.facts ?? {};
  const tiles = [["documents", facts.documents], ["chunks", facts.chunks], ["tokens", facts.tokens], ["entities", facts.entities]];
  const agree = report?.layers.filter((layer) => layer.expected !== null && !layer.missing && !layer.extra && !layer.stale).length;
  return [
    head,
    h("p", { class: "lead" }, `Generation ${current.number}, published `, ago(current.published_at), report ? ["; ", runs.items.length ? ["last run ", ago(runs.items[0].ended_at)] : "no run yet"] : null, "."),
    h("dl", { class: "stats" },
      tiles.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { title: count(value) }, short(value ?? 0)))),
      report ? h("div", { class: agree === report.layers.length ? "good" : "bad" }, h("dt", {}, "layers agree"), h("dd", {}, `${agree}/${report.layers.length}`)) : null,
      report ? h("div", { class: report.quarantined.length ? "warn" : "" }, h("dt", {}, "in quarantine"), h("dd", {}, count(report.quarantined.length))) : null),
    growth(generations),
    report ? h("div", { class: "halves" }, layers(report), statuses(report)) : null,
    report?.trust.length ? section("Trust", h("div", { class: "halves bare" }, report.trust.map((one) => histogram({ title: `${one.kind}s`, bins: one.bins, mean: one.mean })))) : null,
    quarantine(report),
    runs ? lastRuns(runs.items, view) : null,
  ];
}

function growth(generations) {
  const held = generations.filter((one) => one.state === "published" && one.facts).reverse();
  return section("Growth", h("div", { class: "thirds" }, GROWN.map((name) => lineChart({ title: name, from0: true, height: 150, lines: [{ name, points: held.map((one) => ({ x: one.number, y: one.facts[name] ?? 0 })) }] }))));
}

function layers(report) {
  return section("Layers", h("ul", { class: "layers" }, report.layers.map((layer) => {
    const wrong = ["missing", "extra", "stale"].filter((name) => layer[name]);
    const well = layer.expected !== null && !wrong.length;
    return h("li", {}, h("span", { class: `dot ${well ? "good" : "bad"}`, "aria-hidden": "true" }), h("span", { class: "layer-name" }, layer.name),
      h("span", {}, layer.expected === null ? "not compared yet" : `${count(layer.expected)} ${layer.unit}`), h("span", { class: well ? "quiet" : "note bad" }, well ? "as the ledger says" : wrong.map((name) => `${count(layer[name])} ${name}`).join(", ")));
  })), h("p", { class: "small quiet" }, "As the gate compared them before the last publish. ", h("code", {}, `destiny doctor ${report.project}`), " looks again, item by item."));
}

function statuses(report) {
  const list = Object.entries(report.statuses ?? {}).sort((a, b) => b[1] - a[1]);
  return section("Documents by status", parts(list, "Documents by status"), h("ul", { class: "legend" }, list.map(([name, value], place) => h("li", {}, h("span", { class: `swatch part-${place % 9}`, "aria-hidden": "true" }), h("span", {}, name), h("b", {}, count(value))))));
}

function quarantine(report) {
  if (!report?.quarantined.length) return null;
  return section("Quarantine", h("p", { class: "quiet" }, "Left out with its reason; the rest goes on. Each is tried again when it changes."),
    table("Quarantine", ["document", "stage", "reason", ["tries", "right"]], report.quarantined.map((one) => [h("code", {}, one.uri), words(one.stage), [words(one.reason), h("span", { class: "small quiet block" }, one.detail)], count(one.tries)])));
}

function lastRuns(items, view) {
  // The Dagster UI shows all projects, so it opens for whoever may see all.
  const ui = view.everywhere("inspect") ? document.documentElement.dataset.dagster : "";
  if (!items.length) return section("Last runs", empty("No run yet", "Start one: ", h("code", {}, `destiny ingest ${view.project}`)));
  return section("Last runs", table("Last runs", ["ended", "came of it", "stages", ["took", "right"], "run"], items.map((run) => {
    const stages = Object.entries(run.seconds), whole = stages.reduce((sum, [, value]) => sum + value, 0);
    const id = run.id.slice(0, 8);
    return [ago(run.ended_at), [pill(run.state === "published" ? `generation ${run.generation}` : run.state, STATES[run.state]), run.reason && run.state === "rejected" ? h("span", { class: "small block" }, run.reason) : null],
      parts(stages.map(([name, value]) => [`${words(name)} ${seconds(value)}`, value]), "Seconds by stage"), seconds(whole), ui ? h("a", { href: `${ui}/runs/${run.id}`, target: "_blank", rel: "noopener", title: "Open in the Dagster UI" }, id) : h("code", {}, id)];
  })));
}
