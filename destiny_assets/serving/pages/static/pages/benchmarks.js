// How well each generation finds what it should: curves with intervals, and the questions that are answered otherwise than before.
import { get } from "../api.js";
import { empty, field, h, plural, section, select, table } from "../dom.js";
import { lineChart } from "../charts.js";

export const title = "Benchmarks";
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
const three = (value) => value.toFixed(3);

export default async function fill(view) {
  const metric = view.params.get("metric") ?? "ndcg@10";
  const found = await get(`${view.at}/benchmarks/curves`, { metric });
  const head = h("h1", {}, "Benchmarks");
  if (!found.metrics.length) return [head, empty("No golden questions yet", "Attach questions with known answers, and every generation is measured before readers see it: ", h("code", {}, `destiny project questions ${view.project} FOLDER`))];
  const suites = [...new Set(found.curves.map((one) => one.suite))];
  const choose = select("metric", found.metrics.map((one) => [one, one]), metric);
  choose.addEventListener("change", () => view.go(`/p/${view.project}/benchmarks?metric=${encodeURIComponent(choose.value)}`));
  return [head, h("p", { class: "lead" }, "Every generation is asked the project's golden questions. The band is the 95 % bootstrap interval of a mean; choose whose."), h("div", { class: "fields" }, field("metric", choose)),
    suites.map((suite) => {
      const curves = found.curves.filter((one) => one.suite === suite);
      const asked = curves[0].points.at(-1).questions;
      return section(`${suite}, ${plural(asked, "question")}`, lineChart({ title: metric, height: 300, key: true, format: three, first: Math.max(0, curves.findIndex((one) => one.recipe === "hybrid")), lines: curves.map((one) => ({ name: one.recipe, points: one.points.map((point) => ({ x: point.generation, y: point.mean, low: point.low, high: point.high })) })) }),
        differences(view, suite, curves, metric));
    })];
}

function differences(view, suite, curves, metric) {
  const numbers = [...new Set(curves.flatMap((one) => one.points.map((point) => point.generation)))].sort((a, b) => b - a);
  if (numbers.length < 2) return h("p", { class: "quiet" }, "With the next generation, the questions that it answers otherwise are shown here.");
  const options = numbers.map((one) => [String(one), `generation ${one}`]);
  const recipe = select(`recipe-${suite}`, curves.map((one) => [one.recipe, one.recipe]), curves.find((one) => one.recipe === "hybrid")?.recipe ?? curves[0].recipe);
  const before = select(`before-${suite}`, options, String(numbers[1])), after = select(`after-${suite}`, options, String(numbers[0])), place = h("div", { "aria-live": "polite", class: "compared" });
  const show = async () => {
    try {
      const found = await get(`${view.at}/benchmarks/comparison`, { suite, recipe: recipe.value, metric, before: before.value, after: after.value });
      const fell = found.questions.filter((one) => one.now < one.before).length;
      place.replaceChildren(
        h("p", {}, h("b", { class: found.change.high < 0 ? "bad-text" : found.change.low > 0 ? "good-text" : "" }, signed(found.change.mean)), ` (${signed(found.change.low)} to ${signed(found.change.high)}) over ${plural(found.asked, "question")}: ${fell} fell, ${found.questions.length - fell} rose, ${found.asked - found.questions.length} as before.`),
        found.questions.length ? table("Questions answered otherwise", ["question", ["before", "right"], ["now", "right"], ["change", "right"], "first documents now"], found.questions.map((one) => [one.text, three(one.before), three(one.now), h("span", { class: one.now < one.before ? "bad-text" : "good-text" }, signed(one.now - one.before)), h("span", { class: "small" }, one.found_now.slice(0, 3).join(", "))])) : "");
    } catch (error) { place.replaceChildren(empty("These cannot be compared", error.message)); }
  };
  for (const control of [recipe, before, after]) control.addEventListener("change", show);
  show();
  return [h("h3", { class: "apart-small" }, "Questions answered otherwise"), h("div", { class: "fields" }, field("recipe", recipe), field("before", before), field("now", after)), place];
}
