// Listings on the map: clusters and pins from a data address for what is visible, or places known beforehand.

import { bboxOf, label, node, prefersLessMotion, say, tell } from "./map.js";
import { clusterIcon, facilityIcon, groupOf, listingIcon, short, siteIcon } from "./symbols.js";

const WAIT_MS = 180;
// Room for whole pins, and beside the buttons.
const AROUND = { paddingTopLeft: [32, 56], paddingBottomRight: [64, 32] };

export function addListings(map, options) {
  const layer = L.layerGroup().addTo(map);
  const pins = new Map();
  const { texts } = options;
  let query = options.query || "";
  let pending = null;
  let timer = null;
  let shown = "";

  async function load() {
    const address = new URL(options.dataUrl, location.href);
    for (const [key, value] of new URLSearchParams(query)) {
      if (key !== "bbox" && key !== "zoom") address.searchParams.append(key, value);
    }
    address.searchParams.set("bbox", bboxOf(map).join(","));
    address.searchParams.set("zoom", map.getZoom());
    if (address.href === shown) return;
    pending?.abort();
    pending = new AbortController();
    map.getContainer().setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { signal: pending.signal, headers: { Accept: "application/geo+json, application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      draw(await answer.json());
      shown = address.href;
      notice(map, "");
    } catch (error) {
      if (error.name !== "AbortError") notice(map, texts.failed);
      else return;
    }
    map.getContainer().removeAttribute("aria-busy");
  }

  function draw(collection) {
    const open = [...pins].find(([, marker]) => marker.isPopupOpen())?.[0];
    const stays = new Set();
    const fresh = [];
    for (const feature of collection.features) {
      const id = idOf(feature);
      if (id !== undefined && pins.get(id)?.mfId === id) stays.add(id);
      else fresh.push(feature);
    }
    layer.eachLayer((marker) => {
      if (marker.mfId === undefined || !stays.has(marker.mfId)) layer.removeLayer(marker);
    });
    for (const [id, marker] of pins) if (!layer.hasLayer(marker)) pins.delete(id);
    for (const feature of fresh) {
      const marker = feature.properties.count ? cluster(map, feature, texts) : pin(feature, texts);
      if (marker.mfId !== undefined) pins.set(marker.mfId, marker);
      // A small cluster knows what is in it, so that a row of the list finds it, too.
      for (const id of feature.properties.ids ?? []) pins.set(String(id), marker);
      layer.addLayer(marker);
    }
    if (open !== undefined && pins.has(open) && !pins.get(open).isPopupOpen()) pins.get(open).openPopup();
    tell("mf:listings-shown", { map: map.getContainer().id, pins: pins.size, total: collection.features.length });
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(load, WAIT_MS);
  };
  map.on("moveend", soon);
  document.addEventListener("mf:filters", (event) => {
    query = event.detail.query ?? "";
    load();
  });
  syncHover(pins);
  load();
  return layer;
}

export function addPlaces(map, { places, fit, texts, attribution }) {
  const pins = new Map();
  const lines = new Map();
  const layer = L.geoJSON(places, {
    attribution,
    style: ({ properties }) => (properties.role === "link" ? lineStyle(properties) : siteStyle(properties)),
    pointToLayer: (feature) => {
      const { properties } = feature;
      if (properties.count) {
        const marker = cluster(map, feature, texts);
        for (const listing of properties.listings ?? []) pins.set(String(listing.id), marker);
        return marker;
      }
      if (properties.radius_m) return L.circle(L.GeoJSON.coordsToLatLng(feature.geometry.coordinates), { radius: properties.radius_m, interactive: false });
      if (properties.facility) return label(L.marker(L.GeoJSON.coordsToLatLng(feature.geometry.coordinates), { icon: facilityIcon({ kind: properties.facility }), keyboard: false }), properties.title);
      if (!properties.kind) return label(L.marker(L.GeoJSON.coordsToLatLng(feature.geometry.coordinates), { icon: siteIcon(), keyboard: false }), properties.title ?? texts.site);
      const marker = pin(feature, texts);
      if (marker.mfId !== undefined) pins.set(marker.mfId, marker);
      return marker;
    },
    onEachFeature: ({ properties }, line) => properties.role === "link" && lines.set(String(properties.id), line),
  }).addTo(map);
  syncHover(pins, lines);
  const bounds = layer.getBounds();
  if (fit && bounds.isValid()) map.fitBounds(bounds, { ...AROUND, maxZoom: 11, animate: false });
  return layer;
}

// A site, or dashed the circle that a hidden one lies in.
function siteStyle({ kind, radius_m: radius }) {
  return kind ? {} : { className: "mf-site", color: "#024b4f", weight: 2, fillColor: "#024b4f", fillOpacity: 0.12, dashArray: radius ? "4 6" : null };
}

// From a listing to a match, or dashed to a near miss.
function lineStyle(link) {
  return { className: `mf-link${link.is_near ? " mf-link--near" : ""}`, color: "#024b4f", weight: link.is_near ? 1.5 : 2.5, dashArray: link.is_near ? "3 7" : null, interactive: false };
}

function idOf({ properties }) {
  return properties.id === undefined || properties.count ? undefined : String(properties.id);
}

function pin(feature, texts) {
  const facts = feature.properties;
  const at = L.GeoJSON.coordsToLatLng(feature.geometry.coordinates);
  const rest = facts.role === "self" ? 500 : 0;
  const marker = L.marker(at, { icon: listingIcon(facts), riseOnHover: true, zIndexOffset: rest });
  marker.mfId = idOf(feature);
  marker.mfRest = rest;
  label(marker, [texts[facts.kind] ?? "", facts.title, facts.quantity].filter(Boolean).join(", "));
  marker.bindPopup(() => popup(facts, texts), { minWidth: 200, maxWidth: 280, autoPanPadding: [24, 24] });
  if (marker.mfId !== undefined) {
    marker.on("mouseover", () => tell("mf:listing-hover", { id: marker.mfId, source: "map" }));
    marker.on("mouseout", () => tell("mf:listing-hover", { id: null, source: "map" }));
    marker.on("popupopen", () => tell("mf:listing-hover", { id: marker.mfId, source: "map", open: true }));
  }
  return marker;
}

const kindOf = (kind) => (kind === "demand" || kind === "reception" ? kind : "surplus");

function popup(facts, texts) {
  const group = groupOf(facts.group);
  const kind = node("p", `mf-popup__kind mf-kind mf-kind--${kindOf(facts.kind)}`, texts[facts.kind] ?? "");
  const head = node("div", "mf-popup__head", kind, facts.is_example ? node("span", "mf-example", texts.example) : null);
  const lines = node("ul", "mf-popup__details", ...(facts.details ?? []).map((line) => node("li", "", line)));
  const link = facts.url ? node("a", "mf-popup__link", texts.open) : null;
  if (link) link.href = facts.url;
  return node("div", `mf-popup mf-popup--${group}`, head,
    node("p", "mf-popup__title", facts.title), node("p", "mf-quantity mf-popup__quantity", facts.quantity ?? ""),
    lines.childElementCount ? lines : null, link);
}

function cluster(map, feature, texts) {
  const facts = feature.properties;
  const marker = L.marker(L.GeoJSON.coordsToLatLng(feature.geometry.coordinates), { icon: clusterIcon(facts), riseOnHover: true });
  const text = say(texts.cluster, { count: short(facts.count), quantity: facts.quantity ?? "" });
  label(marker, text);
  const parts = Object.entries(facts.groups ?? {}).filter(([, count]) => count > 0).map(([key, count]) => `${texts[groupOf(key)]} ${short(count)}`);
  marker.bindTooltip(() => node("div", "", node("strong", "", facts.quantity ?? ""), node("br"), parts.join(" · ")), { direction: "top", offset: [0, -18] });
  if (facts.listings?.length) return several(marker, facts, texts);
  const zoomIn = () => {
    map.closePopup();
    const [west, south, east, north] = facts.bounds ?? [];
    const animate = !prefersLessMotion();
    // A street at first, then nearer with each press, until neighbours stand apart.
    const maxZoom = Math.min(Math.max(15, map.getZoom() + 2), map.getMaxZoom());
    if (facts.bounds && (east > west || north > south)) map.flyToBounds([[south, west], [north, east]], { padding: [60, 60], maxZoom, duration: 0.5, animate });
    else map.setView(marker.getLatLng(), Math.min(map.getZoom() + 2, 17), { animate });
  };
  marker.on("click", zoomIn);
  marker.on("keypress", (event) => event.originalEvent.key === "Enter" && zoomIn());
  return marker;
}

// Listings on one spot, which no zooming tells apart: all of them in one popup.
function several(marker, facts, texts) {
  marker.bindPopup(() => node("ul", "mf-popup__several", ...facts.listings.map((listing) => node("li", "", popup(listing, texts)))),
    { minWidth: 220, maxWidth: 280, maxHeight: 300, autoPanPadding: [24, 24] });
  return marker;
}

// Rows of the list carry data-listing-id; pointing at one marks its pin, and the other way round.
function syncHover(pins, lines = new Map()) {
  const rowOf = (target) => (target instanceof Element ? target.closest("[data-listing-id]") : null);
  for (const [event, isOver] of [["mouseover", true], ["focusin", true], ["mouseout", false], ["focusout", false]]) {
    document.addEventListener(event, ({ target, relatedTarget }) => {
      const row = rowOf(target);
      if (!row || (!isOver && rowOf(relatedTarget) === row)) return;
      tell("mf:listing-hover", { id: isOver ? row.dataset.listingId : null, source: "list" });
    });
  }
  document.addEventListener("mf:listing-hover", ({ detail }) => {
    const active = pins.get(String(detail.id));
    for (const marker of new Set(pins.values())) {
      marker.getElement()?.classList.toggle("is-active", marker === active);
      marker.setZIndexOffset(marker === active ? 1000 : (marker.mfRest ?? 0));
    }
    for (const [id, line] of lines) line.getElement()?.classList.toggle("is-active", id === String(detail.id));
    for (const row of document.querySelectorAll("[data-listing-id]")) {
      const isIt = row.dataset.listingId === String(detail.id);
      row.classList.toggle("is-active", isIt);
      if (isIt && detail.open) row.scrollIntoView({ block: "nearest", behavior: prefersLessMotion() ? "auto" : "smooth" });
    }
  });
}

function notice(map, text) {
  const holder = map.getContainer().closest(".mf-map")?.querySelector(".mf-map__notice");
  if (!holder) return;
  holder.textContent = text;
  holder.hidden = !text;
}
