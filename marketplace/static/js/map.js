// A Leaflet map in the page: the frame that every layer is added to. Called by the script that folium composes
// (marketplace/maps.py). Layers are the other map-*.js files; they talk with the page through events on `document`:
//
//   mf:listing-hover {id, source}        a pin or a list row is pointed at (id null: no longer)
//   mf:filters {query}                   the page's filters changed: fetch the listings anew
//   mf:moved {bbox, zoom, map, by}       the map shows something else; by: "person" or "program"
//   mf:place-chosen {label, lon, lat, bbox, kind}   a place was chosen in the search box
//   mf:site-changed {geometry}           a site was drawn, moved or removed (null)

export function createMap(id, options) {
  const { texts } = options;
  const isTouch = matchMedia("(pointer: coarse)").matches;
  const map = L.map(id, {
    zoomControl: false,
    attributionControl: false,
    minZoom: 4,
    maxZoom: 18,
    zoomSnap: 0.5,
    wheelPxPerZoomLevel: 90,
    scrollWheelZoom: !options.isStill,
    maxBounds: [[55, -4], [73.5, 38]],
    maxBoundsViscosity: 0.6,
    // On a phone one finger scrolls the page past a still map, and two move it.
    dragging: !(options.isStill && isTouch),
    inertia: !prefersLessMotion(),
    fadeAnimation: !prefersLessMotion(),
    zoomAnimation: !prefersLessMotion(),
    markerZoomAnimation: !prefersLessMotion(),
  });
  const element = map.getContainer();
  element.setAttribute("role", "region");
  const labelled = element.closest("[data-mf-map-label]");
  if (labelled) element.setAttribute("aria-label", labelled.dataset.mfMapLabel);

  L.control.attribution({ position: "bottomright", prefix: '<a href="https://leafletjs.com">Leaflet</a>' }).addTo(map);
  L.control.zoom({ position: "topright", zoomInTitle: texts.zoomIn, zoomOutTitle: texts.zoomOut }).addTo(map);
  L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 120 }).addTo(map);

  if (options.bounds) map.fitBounds(options.bounds, { padding: [4, 4] });
  else map.setView(options.center, options.zoom);

  map.mfTexts = texts;
  let byProgram = true;
  element.mfMap = map; // for the page's own script
  map.mfMoveByProgram = (move) => {
    byProgram = true;
    move();
  };
  element.addEventListener("pointerdown", () => { byProgram = false; });
  element.addEventListener("wheel", () => { byProgram = false; }, { passive: true });
  element.addEventListener("keydown", () => { byProgram = false; });
  map.on("moveend", () => {
    tell("mf:moved", { bbox: bboxOf(map), zoom: map.getZoom(), map: id, by: byProgram ? "program" : "person" });
  });
  // The box a map stands in may change its size without the window changing: a list that opens, a phone that turns.
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(element);
  element.classList.add("is-ready");
  return map;
}

export function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

// West, south, east, north, with the decimals a map can show.
export function bboxOf(map) {
  const bounds = map.getBounds();
  return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((degree) => Number(degree.toFixed(5)));
}

export function prefersLessMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// Text is set as text: what people wrote is never read as HTML.
export function node(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content.filter((part) => part !== null && part !== undefined && part !== ""));
  return made;
}

// Fill the {places} of a translated sentence.
export function say(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

// A pin can be reached and read without a mouse.
export function label(marker, text) {
  const apply = () => {
    const pin = marker.getElement();
    if (!pin) return;
    pin.setAttribute("aria-label", text);
    pin.setAttribute("role", "button");
    pin.setAttribute("tabindex", "0");
  };
  marker.on("add", apply);
  apply();
  // Focus goes into a pin's popup with whom opened it, and back to the pin when it is closed.
  const back = () => marker.closePopup().getElement()?.focus({ preventScroll: true });
  marker.on("popupopen", ({ popup }) => {
    const inside = popup.getElement();
    if (document.activeElement === marker.getElement()) inside.querySelector("a[href]:not([role])")?.focus({ preventScroll: true });
    inside.onkeydown = (event) => event.key === "Escape" && back();
    inside.querySelector(".leaflet-popup-close-button").onclick = back;
  });
  marker.on("keydown", ({ originalEvent }) => originalEvent.key === "Escape" && marker.closePopup());
  return marker;
}
