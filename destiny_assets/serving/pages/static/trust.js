// Trust: a meter for a number, and the explanation as bars of log-odds that add up to it.
import { h, percent } from "./dom.js";

const kind = (p) => (p >= 0.7 ? "good" : p >= 0.4 ? "fair" : "poor");
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

export function meter(p, name = "trust") {
  return h("span", { class: `meter ${kind(p)}`, title: `${name} ${p.toFixed(3)}` },
    h("span", { class: "meter-track", "aria-hidden": "true" }, h("span", { class: "meter-fill", style: { width: `${Math.round(p * 100)}%` } })),
    h("span", {}, h("span", { class: "unseen" }, `${name} `), percent(p)));
}

/** Each term starts where the one before ended; the last bar is their sum. */
export function terms(list, total, told) {
  const places = [0];
  for (const term of list) places.push(places.at(-1) + term.log_odds);
  const low = Math.min(0, total, ...places), high = Math.max(0, total, ...places), width = high - low || 1;
  const share = (value) => `${(value / width) * 100}%`;
  const row = (which, label, from, to, why) => h("li", { class: which === "sum" ? "term-sum" : null },
    h("span", { class: "term-name" }, label),
    h("span", { class: "term-track", "aria-hidden": "true" },
      h("span", { class: "term-zero", style: { left: share(-low) } }),
      h("span", { class: `term-bar ${which}`, style: { left: share(Math.min(from, to) - low), width: `max(2px, ${share(Math.abs(to - from))})` } })),
    h("span", { class: "term-value" }, signed(to - from)),
    h("span", { class: "term-why" }, why));
  return h("ol", { class: "terms" },
    list.map((term, place) => row(term.log_odds < 0 ? "down" : "up", term.name, places[place], places[place + 1], term.why)),
    row("sum", "sum", 0, total, told));
}
