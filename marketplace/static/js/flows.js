// The flow map of a page: fetches what the visible map has room for, and keeps map, months and table in step.

import { bboxOf, tell } from "./map.js";
import { flowLines, scalesOf } from "./flow-lines.js";
import { drawScales, facilityLayers, sayDrawn, timeControl } from "./flow-panel.js";
import { facilityMarker } from "./map-facilities.js";

const WAIT_MS = 200;
// These are of what is in sight only; coarser ones are few enough to come all at once.
const BY_SIGHT = new Set(["grid", "project"]);

export function addFlows(map, options) {
  const { texts, months, details } = options;
  const root = map.getContainer().closest("[data-mf-flows]");
  const rows = new Map([...root.querySelectorAll("[data-mf-flow]")].map((row) => [row.dataset.mfFlow, row]));
  let month = -1;
  let pending = null;
  let shown = "";
  let timer = null;
  let isFirst = true;

  const lines = flowLines(map, {
    texts,
    months,
    onDrawn(summary) {
      sayDrawn(root, summary, texts);
      drawScales(root, scalesOf(summary.picture, summary.month), texts);
      tell("mf:flows-drawn", { detail: summary.picture.detail, count: summary.count, month: summary.month });
    },
    onPoint: (key) => { for (const [name, row] of rows) row.classList.toggle("is-active", name === key); },
  });
  const time = timeControl(root, { months, texts, onMonth: (index) => { month = index; if (current) lines.show(current, month); } });
  let current = null;

  const detailNow = () => options.detail || details.filter(({ fromZoom }) => map.getZoom() >= fromZoom).at(-1)?.key || details[0].key;

  async function load() {
    const detail = detailNow();
    const address = new URL(options.dataUrl, location.href);
    for (const [key, value] of new URLSearchParams(options.query)) address.searchParams.append(key, value);
    address.searchParams.set("detail", detail);
    if (BY_SIGHT.has(detail) && !isFirst) address.searchParams.set("bbox", bboxOf(map).join(","));
    if (address.href === shown) return;
    pending?.abort();
    pending = new AbortController();
    map.getContainer().setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { signal: pending.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      current = await answer.json();
      shown = address.href;
      notice(map, "");
      time.totals(current.months_t, current.flows.length > 0);
      lines.show(current, month);
      fitOnce();
    } catch (error) {
      if (error.name === "AbortError") return;
      notice(map, texts.failed);
    }
    map.getContainer().removeAttribute("aria-busy");
  }

  // At first the map shows all that flows; from then on the visitor chooses.
  function fitOnce() {
    if (!isFirst) return;
    isFirst = false;
    const bounds = lines.bounds();
    if (bounds) map.mfMoveByProgram(() => map.fitBounds(bounds, { padding: [40, 40], maxZoom: 12, animate: false }));
  }

  map.on("moveend", () => {
    clearTimeout(timer);
    timer = setTimeout(load, WAIT_MS);
  });
  for (const [key, row] of rows) {
    row.addEventListener("mouseenter", () => lines.highlight(key));
    row.addEventListener("mouseleave", () => lines.highlight(null));
  }
  facilityLayers(map, root, {
    async features() {
      const answer = await fetch(options.facilitiesUrl, { headers: { Accept: "application/geo+json, application/json" } }).catch(() => null);
      return answer?.ok ? (await answer.json()).features : null;
    },
    marker: (feature) => facilityMarker(feature, texts.facilities),
  });
  load();
  return lines;
}

function notice(map, text) {
  const holder = map.getContainer().closest(".mf-map")?.querySelector(".mf-map__notice");
  if (!holder) return;
  holder.textContent = text;
  holder.hidden = !text;
}
