// The frame of all pages: who is there, which project, where to go; and which module fills the page.
import { get } from "./api.js";
import { empty, h, say } from "./dom.js";

// [address, name, module, right it needs]
const PAGES = [
  ["", "Overview", "overview", "read"],
  ["search", "Search", "search", "read"],
  ["ask", "Ask", "ask", "read"],
  ["graph", "Graph", "graph", "read"],
  ["decisions", "Decisions", "decisions", "read"],
  ["claims", "Claims", "claims", "read"],
  ["benchmarks", "Benchmarks", "benchmarks", "inspect"],
  ["generations", "Generations", "generations", "read"],
];
const LADDER = ["read", "inspect", "contribute", "curate", "administer"];
const ROLES = ["client", "reader", "contributor", "curator", "admin"];
const main = document.querySelector("#main");
let me, projects, leaving = new AbortController(), shown = 0;

/** Whether the caller's role in a project carries a right; the server decides, this only leaves out what it would refuse. */
export function may(right, project) {
  return [me.grants[project], me.grants["*"]].some((role) => role && ROLES.indexOf(role) >= LADDER.indexOf(right));
}

const dagster = () => document.documentElement.dataset.dagster;

function themed() {
  const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const button = h("button", { type: "button", class: "plain-button", onclick: () => {
    const theme = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    named();
  } });
  const named = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Show the pages ${dark() ? "light" : "dark"}`); };
  named();
  return button;
}

function frame(project, page) {
  const choose = projects.length > 1 && project
    ? h("select", { id: "project", "aria-label": "Project", onchange: (event) => go(`/p/${event.target.value}${page ? `/${page}` : ""}`) }, projects.map((one) => h("option", { value: one.project, selected: one.project === project }, one.project)))
    : project ? h("a", { class: "project-name", href: `/p/${project}` }, project) : null;
  const icon = document.querySelector("link[rel=icon]").href;
  document.querySelector("#top").replaceChildren(
    h("div", { class: "bar" },
      h("a", { class: "brand", href: "/" }, h("img", { src: icon, alt: "", width: 26, height: 26 }), h("span", {}, "Destiny")),
      choose ? h("span", { class: "slash", "aria-hidden": "true" }, "/") : null, choose,
      h("span", { class: "spring" }),
      dagster() && may("inspect", "*") ? h("a", { class: "who", href: `${dagster()}/`, target: "_blank", rel: "noopener" }, "Dagster") : null,
      h("span", { class: "who", title: Object.entries(me.grants).map(([name, role]) => `${name}: ${role}`).join("\n") }, me.name),
      themed(),
      h("form", { method: "post", action: "/sign-out" }, h("button", { type: "submit", class: "plain-button" }, "Sign out"))),
    ...(project ? [h("nav", { "aria-label": "Pages of the project" }, h("ul", {}, PAGES.filter(([, , , right]) => may(right, project)).map(([address, name]) =>
      h("li", {}, h("a", { href: `/p/${project}${address ? `/${address}` : ""}`, "aria-current": address === page ? "page" : null }, name)))))] : []));
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

/** Go to a page of ours without loading everything anew. */
export function go(address) {
  history.pushState({}, "", address);
  show();
}

async function show(first = false) {
  leaving.abort();
  leaving = new AbortController();
  const turn = ++shown;
  const [, root, project, page = "", item] = location.pathname.split("/").map(decodeURIComponent);
  const known = PAGES.find(([address]) => address === page);
  const module = root !== "p" ? "projects" : page === "documents" ? "document" : known?.[2];
  frame(root === "p" ? project : null, page === "documents" ? "search" : page);
  const view = {
    project, item, me, projects, params: new URLSearchParams(location.search), alive: leaving.signal, go,
    at: `/projects/${encodeURIComponent(project ?? "")}`,
    may: (right) => may(right, project),
    everywhere: (right) => may(right, "*"),
    /** Keep what is chosen in the address, without a step in the history. */
    keep: (values) => {
      const params = new URLSearchParams(Object.entries(values).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).filter((one) => one !== "" && one !== null && one !== undefined && one !== false).map((one) => [name, String(one)])));
      history.replaceState(history.state, "", params.size ? `${location.pathname}?${params}` : location.pathname);
    },
  };
  const slow = setTimeout(() => turn === shown && main.setAttribute("aria-busy", "true"), 150);
  try {
    if (!module) throw new Error("There is no such page. Take one from the list above.");
    const { default: fill, title } = await import(`./pages/${module}.js`);
    document.title = [known?.[1] ?? title, root === "p" ? project : null, "Destiny"].filter(Boolean).join(" · ");
    const content = await fill(view);
    if (turn !== shown) return;
    main.replaceChildren(...[content].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (error.name === "AbortError" || turn !== shown) return;
    main.replaceChildren(empty("This cannot be shown", error.message));
  } finally {
    clearTimeout(slow);
    if (turn === shown) main.removeAttribute("aria-busy");
  }
  if (!first) {
    scrollTo(0, 0);
    // Who hears the page is told that it is another one, and goes on at its beginning.
    if (!main.contains(document.activeElement)) main.focus({ preventScroll: true });
    say(document.title);
  }
  main.querySelector("[data-scroll]")?.scrollIntoView({ block: "center" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target || link.hasAttribute("download")) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || !(to.pathname === "/" || to.pathname.startsWith("/p/"))) return;
  event.preventDefault();
  go(to.pathname + to.search);
});
addEventListener("popstate", () => show());
// A page that a browser kept is not shown to whoever signed out since.
addEventListener("pageshow", (event) => event.persisted && get("/me"));
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest?.("input, textarea, select")) return;
  const box = document.querySelector("#q");
  if (box) { event.preventDefault(); box.focus(); }
});

try {
  [me, projects] = await Promise.all([get("/me"), get("/projects", { limit: 200 }).then((page) => page.items)]);
  await show(true);
} catch (error) {
  main.replaceChildren(empty("This cannot be shown", error.message));
}
