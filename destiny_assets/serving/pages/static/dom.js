// Elements made in one line. Texts stay texts: nothing that comes from a document is ever read as markup.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [property, set] of Object.entries(value)) element.style.setProperty(property, set);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Tell whoever does not see the page what changed in it. */
export function say(text) {
  document.querySelector("#said").textContent = text;
}

const number = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

export const count = (value) => number.format(value ?? 0);
export const short = (value) => (Math.abs(value) < 10000 ? number.format(value) : compact.format(value));
export const onDay = (text) => (text ? day.format(new Date(text)) : "");
export const at = (text) => (text ? moment.format(new Date(text)) : "");
export const percent = (value) => `${Math.round(value * 100)} %`;
export const words = (text) => text.replaceAll("_", " ");
export const plural = (value, one, more = `${one}s`) => `${count(value)} ${value === 1 ? one : more}`;

/** How long ago, with the time itself on hover and for machines. */
export function ago(text) {
  if (!text) return "";
  const seconds = (new Date(text) - Date.now()) / 1000;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? ["minute", 60];
  return h("time", { datetime: text, title: at(text) }, relative.format(Math.round(seconds / size), unit));
}

export const seconds = (value) => (value < 60 ? `${value.toFixed(value < 10 ? 1 : 0)} s` : `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`);

export const empty = (title, ...more) => h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), more.length ? h("p", {}, ...more) : null);
export const pill = (text, kind = "") => h("span", { class: `pill ${kind}` }, text);

const KINDS = { accepted: "good", final: "good", active: "good", superseded: "warn", deprecated: "warn", draft: "plain", rejected: "bad", withdrawn: "bad" };
export const status = (text) => (text ? pill(text, KINDS[text.toLowerCase()] ?? "plain") : null);

/** A table that a narrow window scrolls and the keyboard reaches. */
export function table(caption, heads, rows) {
  return h("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: typeof head === "string" ? "" : head[1] }, typeof head === "string" ? head : head[0])))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, place) => h("td", { class: typeof heads[place] === "string" ? "" : heads[place][1] }, cell)))))));
}

export const section = (title, ...children) => h("section", { class: "card" }, h("h2", {}, title), ...children);

/** A control with its name; `attributes.id` ties them. */
export const field = (name, control) => h("div", { class: "field" }, h("label", { for: control.id }, name), control);
export const select = (id, options, chosen) => h("select", { id }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));

/** Wait until nothing was typed for a moment. */
export function calmly(work, wait = 160) {
  let timer;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => work(...given), wait); };
}
