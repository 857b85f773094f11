// Lines, bars and bands as SVG, drawn anew for the width there is. Each has a summary for those who do not see it, and its numbers as a table.
import { h, s, short, table } from "./dom.js";

const MARGIN = { top: 12, right: 14, bottom: 26, left: 46 };

function ticks(low, high, wanted = 4) {
  const rough = (high - low || 1) / wanted, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((times) => times * size).find((one) => one >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}

/** Draws when it is shown and whenever its width changes; gives the place it is drawn in, and a way to draw it anew. */
function responsive(draw, height, summary) {
  const picture = s("svg", { class: "chart", role: "img", "aria-label": summary, height });
  const frame = h("div", { class: "chart-frame", style: { height: `${height}px` } }, picture);
  const again = (width) => {
    if (!width) return;
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.replaceChildren(...draw(width, height));
  };
  new ResizeObserver(([entry]) => again(Math.floor(entry.contentRect.width))).observe(frame);
  return [frame, () => again(frame.clientWidth)];
}

/**
 * Lines over generations. `lines`: [{name, points: [{x, y, low?, high?}]}]; with `from0` the axis begins at nought. One line at a time
 * shows its interval, `first` at first: five bands over each other say nothing. With `key` a press on a name chooses another.
 */
export function lineChart({ title, lines, from0 = false, height = 200, format = short, xName = "generation", key = false, first = 0 }) {
  const points = lines.flatMap((line) => line.points), xs = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const values = points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  let low = from0 ? 0 : Math.min(...values), high = Math.max(...values);
  if (high === low) high = low + (Math.abs(low) || 1);
  if (!from0) { const room = (high - low) * 0.08; low -= room; high = Math.min(high + room, values.every((v) => v <= 1) ? Math.max(1, Math.max(...values)) : Infinity); }
  const steps = ticks(low, high), top = from0 ? Math.max(high, steps.at(-1) ?? high) : high;
  const last = (line) => line.points.at(-1);
  let chosen = first;
  const summary = `${title} by ${xName}: ${lines.map((line) => `${lines.length > 1 ? `${line.name} ` : ""}${format(line.points[0].y)} to ${format(last(line).y)}`).join("; ")}.`;
  const draw = (width, tall) => {
    const inner = { width: width - MARGIN.left - MARGIN.right, height: tall - MARGIN.top - MARGIN.bottom };
    const x = (value) => MARGIN.left + (xs.length > 1 ? ((value - xs[0]) / (xs.at(-1) - xs[0])) * inner.width : inner.width / 2);
    const y = (value) => MARGIN.top + inner.height - ((value - low) / (top - low)) * inner.height;
    const path = (list) => list.map(([a, b], place) => `${place ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
    const every = Math.max(1, Math.ceil(xs.length / Math.max(2, Math.floor(inner.width / 34))));
    return [
      ...steps.map((value) => s("g", { class: "grid" }, s("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }), s("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, format(value)))),
      ...xs.filter((_, place) => place % every === 0).map((value) => s("text", { class: "axis", x: x(value), y: tall - 6, "text-anchor": "middle" }, String(value))),
      ...lines.map((line, which) => s("g", { class: `series series-${which % 6} ${which === chosen && lines.length > 1 ? "chosen" : ""}` },
        which === chosen && line.points[0].low !== undefined && line.points.length > 1 ? s("path", { class: "band", d: `${path([...line.points.map((p) => [x(p.x), y(p.high)]), ...[...line.points].reverse().map((p) => [x(p.x), y(p.low)])])}Z` }) : null,
        from0 && line.points.length > 1 ? s("path", { class: "area", d: `${path(line.points.map((p) => [x(p.x), y(p.y)]))}L${x(last(line).x)} ${y(low)}L${x(line.points[0].x)} ${y(low)}Z` }) : null,
        line.points.length > 1 ? s("path", { class: "line", d: path(line.points.map((p) => [x(p.x), y(p.y)])) }) : null,
        line.points.map((p) => [
          p.low !== undefined && line.points.length === 1 ? s("line", { class: "whisker", x1: x(p.x) + (which - (lines.length - 1) / 2) * 16, x2: x(p.x) + (which - (lines.length - 1) / 2) * 16, y1: y(p.low), y2: y(p.high) }) : null,
          s("circle", { cx: x(p.x) + (line.points.length === 1 ? (which - (lines.length - 1) / 2) * 16 : 0), cy: y(p.y), r: 3.5 }, s("title", {}, `${line.name}, ${xName} ${p.x}: ${format(p.y)}${p.low === undefined ? "" : ` (${format(p.low)} to ${format(p.high)})`}`)),
        ]))),
    ];
  };
  const numbers = h("details", { class: "numbers" }, h("summary", {}, "Numbers"),
    table(title, [xName, ...lines.map((line) => [line.name, "right"])], xs.map((value) => [String(value), ...lines.map((line) => {
      const point = line.points.find((one) => one.x === value);
      return point ? `${format(point.y)}${point.low === undefined ? "" : ` (${format(point.low)}–${format(point.high)})`}` : "";
    })])));
  const [frame, again] = responsive(draw, height, summary);
  const names = lines.map((line, which) => h("button", { type: "button", class: `key-${which % 6}`, "aria-pressed": String(which === chosen), onclick: () => {
    chosen = which;
    names.forEach((name, place) => name.setAttribute("aria-pressed", String(place === chosen)));
    again();
  } }, line.name, h("b", {}, ` ${format(last(line).y)}`)));
  return h("figure", {},
    h("figcaption", {}, h("span", { class: "chart-title" }, title), key ? h("span", { class: "key", role: "group", "aria-label": "Whose interval is shown" }, names) : h("b", { class: "chart-now" }, format(last(lines[0]).y))),
    frame, numbers);
}

/** Counts in ten bins of 0.1, from 0 to 1. */
export function histogram({ title, bins, mean, height = 120 }) {
  const most = Math.max(...bins, 1), total = bins.reduce((sum, one) => sum + one, 0);
  const summary = `${title}: ${total} items, mean ${mean.toFixed(2)}; ${bins.map((value, place) => `${value} from ${(place / 10).toFixed(1)}`).join(", ")}.`;
  const draw = (width, tall) => {
    const inner = width - 8, step = inner / bins.length, ground = tall - 22;
    return [
      ...bins.map((value, place) => s("rect", { class: `bin ${place >= 7 ? "good" : place >= 4 ? "fair" : "poor"}`, x: 4 + place * step + 2, width: Math.max(1, step - 4), y: ground - (value / most) * (ground - 16), height: (value / most) * (ground - 16), rx: 2 }, s("title", {}, `${(place / 10).toFixed(1)} to ${((place + 1) / 10).toFixed(1)}: ${value}`))),
      ...bins.map((value, place) => (value && step > 26 ? s("text", { class: "axis", x: 4 + (place + 0.5) * step, y: ground - (value / most) * (ground - 16) - 4, "text-anchor": "middle" }, short(value)) : null)).filter(Boolean),
      s("line", { class: "ground", x1: 4, x2: width - 4, y1: ground, y2: ground }),
      ...[0, 0.5, 1].map((value) => s("text", { class: "axis", x: 4 + value * inner, y: tall - 6, "text-anchor": value === 0 ? "start" : value === 1 ? "end" : "middle" }, value.toFixed(1))),
    ];
  };
  return h("figure", {}, h("figcaption", {}, h("span", { class: "chart-title" }, title), h("b", { class: "chart-now" }, `mean ${mean.toFixed(2)}`)), responsive(draw, height, summary)[0]);
}

/**
 * What was believed against what was right, with 95 % intervals; on the dashed line both are equal. `series`: [{name, bins}], the first over the
 * others; a dot's area grows with the slots it stands for.
 */
export function reliabilityChart({ title, series, height = 340 }) {
  const full = series.map((one) => ({ ...one, bins: one.bins.filter((bin) => bin.slots) }));
  const most = Math.max(1, ...full.flatMap((one) => one.bins.map((bin) => bin.slots)));
  const summary = `${title}. ${full.map((one) => `${one.name}: ${one.bins.map((bin) => `${bin.share_right.toFixed(2)} right of ${bin.slots} believed at ${bin.mean_probability.toFixed(2)}`).join(", ")}`).join("; ")}.`;
  const draw = (width, tall) => {
    const inner = { width: width - MARGIN.left - MARGIN.right, height: tall - MARGIN.top - MARGIN.bottom };
    const x = (value) => MARGIN.left + value * inner.width, y = (value) => MARGIN.top + (1 - value) * inner.height;
    return [
      ...[0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
        s("g", { class: "grid" }, s("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }), s("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, String(value))),
        s("text", { class: "axis", x: x(value), y: tall - 6, "text-anchor": "middle" }, String(value))]),
      s("text", { class: "axis", x: MARGIN.left + 6, y: MARGIN.top + 14 }, "right"),
      s("text", { class: "axis", x: width - MARGIN.right, y: y(0) - 8, "text-anchor": "end" }, "believed"),
      s("line", { class: "ideal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
      ...full.map((one, which) => s("g", { class: `series series-${which % 6} reliability` },
        one.bins.length > 1 ? s("path", { class: "line", d: one.bins.map((bin, place) => `${place ? "L" : "M"}${x(bin.mean_probability).toFixed(1)} ${y(bin.share_right).toFixed(1)}`).join("") }) : null,
        one.bins.map((bin) => [
          s("line", { class: "whisker", x1: x(bin.mean_probability), x2: x(bin.mean_probability), y1: y(bin.low), y2: y(bin.high) }),
          s("circle", { cx: x(bin.mean_probability), cy: y(bin.share_right), r: (3 + 5 * Math.sqrt(bin.slots / most)).toFixed(1) }, s("title", {}, `${one.name}, ${bin.begins} to ${(bin.begins + 0.1).toFixed(1)}: ${bin.slots} slots, believed ${bin.mean_probability.toFixed(2)}, right ${bin.share_right.toFixed(2)} (${bin.low.toFixed(2)} to ${bin.high.toFixed(2)})`)),
        ]))).reverse(),
    ];
  };
  const numbers = h("details", { class: "numbers" }, h("summary", {}, "Numbers"), table(title, ["method", ["believed", "right"], ["right", "right"], ["95 %", "right"], ["slots", "right"]],
    full.flatMap((one) => one.bins.map((bin) => [one.name, bin.mean_probability.toFixed(2), bin.share_right.toFixed(2), `${bin.low.toFixed(2)}–${bin.high.toFixed(2)}`, String(bin.slots)]))));
  return h("figure", { class: "diagram" }, h("figcaption", {}, h("span", { class: "chart-title" }, title), h("span", { class: "key" }, full.map((one, which) => h("span", { class: `key-${which % 6}` }, one.name)))), responsive(draw, height, summary)[0], numbers);
}

/** A line without axes, beside a number. */
export function spark(values, name) {
  const width = 120, height = 32, high = Math.max(...values), low = Math.min(...values, high - 1);
  const place = (value, number) => `${(4 + (values.length > 1 ? number / (values.length - 1) : 0.5) * (width - 8)).toFixed(1)} ${(height - 5 - ((value - low) / (high - low || 1)) * (height - 10)).toFixed(1)}`;
  const [endX, endY] = place(values.at(-1), values.length - 1).split(" ");
  return s("svg", { class: "spark", role: "img", "aria-label": `${name}: ${values.join(", ")}`, viewBox: `0 0 ${width} ${height}`, width, height },
    s("path", { d: values.map((value, number) => `${number ? "L" : "M"}${place(value, number)}`).join("") }), s("circle", { cx: endX, cy: endY, r: 3 }));
}

/** Parts of a whole beside each other. */
export function parts(list, name) {
  const whole = list.reduce((sum, [, value]) => sum + value, 0) || 1;
  return h("div", { class: "parts", role: "img", "aria-label": `${name}: ${list.map(([part, value]) => `${part} ${short(value)}`).join(", ")}` },
    list.map(([part, value], place) => h("span", { class: `part part-${place % 9}`, title: `${part}: ${short(value)}`, style: { "flex-grow": String(value / whole) } })));
}
