// Searching as one goes along: a change in the form or of the map asks for the list anew, and the map follows the list.
// The form is a plain GET form and every chip a plain link, so all of it also works without this file.

import { bboxOf, node, prefersLessMotion, tell } from "./map.js";

const TYPING_MS = 450;
const CHOOSING_MS = 60;

const page = document.querySelector("[data-mf-search]");
const form = document.getElementById("search-form");
const at = document.getElementById("search-at");
const area = document.getElementById("search-area");
const near = document.getElementById("near");
const follow = document.getElementById("search-follow");
const here = document.getElementById("search-here");
const status = document.getElementById("search-status");
const view = document.getElementById("search-view");
const switcher = document.getElementById("search-switch");
const canvas = document.querySelector("#search-map .mf-map__canvas");
const found = () => document.getElementById("results");

let timer = null;
let byMap = false;
let shown = { ...found().dataset };

// The shortest address of what is shown, to be copied and shared.
history.replaceState(history.state, "", found().dataset.url + location.hash);

function refresh({ wait = 0, map = false } = {}) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    byMap = map;
    htmx.trigger(form, "mf:refresh");
  }, wait);
}

// The form ---------------------------------------------------------------------------------------------------------

const isTyped = (field) => field.matches("input:not([type=checkbox], [type=radio], [type=date])");

document.addEventListener("input", ({ target }) => {
  if (target.form !== form || target === near || !isTyped(target)) return;
  refresh({ wait: TYPING_MS });
});
document.addEventListener("change", ({ target }) => {
  if (target.form !== form || target === follow) return;
  if (target === near) {
    // Left with another name in it: it is looked up as it stands, unless one of the places shown was chosen.
    if (!at.value.endsWith(`,${near.value}`)) refresh({ wait: TYPING_MS });
  } else if (!isTyped(target)) {
    if (target.id === "origin" && target.value) place("", "");
    refresh({ wait: CHOOSING_MS });
  }
});
form.addEventListener("submit", () => {
  clearTimeout(timer);
  byMap = false;
  closeFilters();
});
document.addEventListener("mf:place-chosen", ({ detail }) => {
  if (!near.value || near.value !== detail.label) return;
  place(`${detail.lon.toFixed(5)},${detail.lat.toFixed(5)},${detail.label}`, detail.label);
  const origin = document.getElementById("origin");
  if (origin) origin.value = "";
  leaveArea();
  refresh();
});

function place(position, label) {
  at.value = position;
  near.value = label;
}

function leaveArea() {
  area.value = "";
  follow.checked = false;
  here.hidden = true;
}

// Chips, and the ways out of an empty result, take fields back.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-drop]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const names = link.dataset.drop === "*" ? [...form.elements].map(({ name }) => name).filter((name) => name && name !== "view" && name !== "sort") : link.dataset.drop.split(" ");
  for (const name of names) drop(name, link.dataset.value);
  if (names.includes("area")) here.hidden = true;
  refresh();
});

function drop(name, value) {
  for (const field of [...form.elements].filter((each) => each.name === name)) {
    if (field.type === "radio") field.checked = field.value === "";
    else if (field.type === "checkbox") field.checked &&= Boolean(value) && field.value !== value;
    else if (field.tagName !== "BUTTON") field.value = "";
  }
}

function closeFilters() {
  const more = document.getElementById("more-filters");
  if (!more.open || matchMedia("(min-width: 80rem)").matches) return;
  more.open = false;
  found().scrollIntoView({ behavior: prefersLessMotion() ? "auto" : "smooth" });
}

// The list ---------------------------------------------------------------------------------------------------------

// Pages of results are fetched into the list, too.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#results .mf-paging a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  byMap = false;
  htmx.ajax("GET", link.href, { source: link, target: "#results", swap: "outerHTML" }).then(() => {
    const title = document.getElementById("results-title");
    title.focus({ preventScroll: true });
    scroller().scrollTo({ top: 0 });
    if (scroller() === window) found().scrollIntoView();
  });
});

function scroller() {
  const list = document.getElementById("search-list");
  return getComputedStyle(list).overflowY === "auto" ? list : window;
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (byMap) detail.headers["X-Search-By"] = "map";
  byMap = false;
  // Fields that say nothing are not sent.
  for (const [key, value] of [...detail.formData.entries()]) if (value === "") detail.formData.delete(key);
});
document.addEventListener("htmx:beforeRequest", () => found().setAttribute("aria-busy", "true"));
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, () => {
    found().removeAttribute("aria-busy");
    form.submit(); // the plain way says what is wrong
  });
}
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "results" && detail.elt?.id !== "results") return;
  const now = { ...found().dataset };
  const isByMap = detail.requestConfig.headers["X-Search-By"] === "map";
  status.textContent = document.getElementById("results-title").textContent;
  if (now.query !== shown.query) tell("mf:filters", { query: now.query });
  if (now.origin !== shown.origin) tell("mf:origin", { origin: now.origin ?? "" });
  if (now.fit !== shown.fit && !isByMap) show(now.bounds);
  if (now.query !== shown.query && scroller() !== window) scroller().scrollTo({ top: 0 });
  shown = now;
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target?.id === "results" || detail.elt?.id === "results") showProblems();
});

// What is wrong with a field stands beside it, in the same mark-up that a whole page has it in.
function showProblems() {
  for (const old of form.querySelectorAll("[data-field=validation]")) {
    const field = document.getElementById(old.id.replace(/-error$/, ""));
    field?.removeAttribute("aria-invalid");
    field?.removeAttribute("aria-describedby");
    old.remove();
  }
  for (const { dataset, textContent } of document.querySelectorAll("#search-problems > li")) {
    const field = document.getElementById(dataset.field);
    const message = node("div", "", node("p", "ds-validation-message", textContent));
    message.id = `${field.id}-error`;
    message.dataset.field = "validation";
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", message.id);
    field.closest(".ds-field, .mf-filters__near").append(message);
  }
}

// The map ----------------------------------------------------------------------------------------------------------

const visible = () => bboxOf(canvas.mfMap).join(",");

function show(bounds) {
  const map = canvas.mfMap;
  if (!map || !bounds) return;
  const [west, south, east, north] = bounds.split(",").map(Number);
  map.mfMoveByProgram(() => map.fitBounds([[south, west], [north, east]], { padding: [4, 4], animate: !prefersLessMotion() }));
}

document.addEventListener("mf:moved", ({ detail }) => {
  if (detail.by !== "person") return;
  if (follow.checked) searchHere();
  else here.hidden = false;
});
follow.addEventListener("change", () => {
  if (follow.checked) return searchHere();
  area.value = "";
  refresh({ map: true });
});
here.addEventListener("click", searchHere);

function searchHere() {
  area.value = visible();
  here.hidden = true;
  refresh({ wait: CHOOSING_MS, map: true });
}

// List or map, where there is room for one.
switcher.addEventListener("click", (event) => {
  event.preventDefault();
  const showsMap = page.dataset.view !== "map";
  page.dataset.view = showsMap ? "map" : "list";
  view.value = showsMap ? "map" : "";
  switcher.querySelector("span").textContent = showsMap ? switcher.dataset.list : switcher.dataset.map;
  const address = new URL(location.href);
  if (showsMap) address.searchParams.set("view", "map");
  else address.searchParams.delete("view");
  history.replaceState(history.state, "", address);
  window.scrollTo({ top: 0 });
});
