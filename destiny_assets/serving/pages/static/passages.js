// Addresses of documents and places in them.
import { h } from "./dom.js";

/** Where a document is shown, with a stretch of it marked where one is given. */
export function documentAt(project, uri, { source, span, chunk, generation, as_of } = {}) {
  const params = new URLSearchParams({ uri });
  for (const [name, value] of Object.entries({ source, span: span?.join("-"), chunk, generation, as_of })) if (value) params.set(name, value);
  return `/p/${encodeURIComponent(project)}/documents?${params}`;
}

/** Python counts characters, JavaScript halves of some of them; this is the one in the other. */
export function place(text, characters, from = 0, passed = 0) {
  let index = from;
  for (let left = characters - passed; left > 0 && index < text.length; left -= 1) index += text.codePointAt(index) > 0xffff ? 2 : 1;
  return index;
}

const LETTER = "[\\p{L}\\p{N}_]";

/** A passage as one paragraph, without the lines that only draw a rule under a heading, and with the words of a question made bold. */
export function emphasised(text, question) {
  const flowing = text.split("\n").filter((line) => !/^\s*([-=~^*#"'`+.:_])\1{2,}\s*$/.test(line)).join("\n");
  // Short words are in every passage; what ends otherwise by a few letters is the same word.
  const wanted = [...new Set(question.toLowerCase().match(/[\p{L}\p{N}_]{4,}/gu) ?? [])];
  if (!wanted.length) return [flowing];
  return flowing.split(new RegExp(`(?<!${LETTER})((?:${wanted.join("|")})${LETTER}{0,3})(?!${LETTER})`, "giu")).map((part, number) => (number % 2 ? h("b", {}, part) : part));
}
