// Drawing a site: a point, or an area, into a hidden field as GeoJSON; typed coordinates follow, and lead.

import { label, prefersLessMotion, tell } from "./map.js";
import { siteIcon } from "./symbols.js";

const DECIMALS = 6;
const AREA = { color: "#024b4f", weight: 2.5, fillColor: "#024b4f", fillOpacity: 0.15 };

export function addDrawing(map, options) {
  const { texts } = options;
  const field = document.getElementById(options.targetId);
  const lonInput = options.lonId && document.getElementById(options.lonId);
  const latInput = options.latId && document.getElementById(options.latId);
  const tools = document.querySelector(`[data-mf-drawing="${options.targetId}"]`);
  const status = tools?.querySelector("[data-mf-drawing-status]");
  const press = (name) => tools?.querySelector(`[data-mf-draw="${name}"]`);
  let shape = null;
  let mode = "point";

  tools?.removeAttribute("hidden");
  map.pm.setLang(document.documentElement.lang === "en" ? "en" : "no");
  map.pm.setGlobalOptions({ allowSelfIntersection: false, snappable: false, continueDrawing: false, templineStyle: AREA, hintlineStyle: { ...AREA, dashArray: [5, 5] }, pathOptions: AREA, tooltips: false });

  function write(geometry, { toInputs = true } = {}) {
    field.value = geometry ? JSON.stringify(geometry) : "";
    if (toInputs && lonInput && latInput) {
      const point = geometry?.type === "Point" ? geometry.coordinates : ["", ""];
      [lonInput.value, latInput.value] = point.map(String);
    }
    for (const name of ["remove"]) if (press(name)) press(name).hidden = !geometry;
    tell("mf:site-changed", { geometry: geometry ?? null });
  }

  function geometryOf(layer) {
    return rounded(layer.toGeoJSON(DECIMALS).geometry);
  }

  function setPoint(latlng, { toInputs = true, message = texts.pointSet } = {}) {
    clearShape();
    shape = L.marker(latlng, { icon: siteIcon(), draggable: true, autoPan: true, pmIgnore: true }).addTo(map);
    label(shape, texts.pin);
    shape.on("dragend", () => write(geometryOf(shape)));
    write(geometryOf(shape), { toInputs });
    tellPerson(message);
  }

  function setArea(layer) {
    clearShape();
    shape = layer;
    layer.pm.enable({ allowSelfIntersection: false, draggable: false });
    layer.on("pm:edit pm:markerdragend pm:vertexremoved", () => write(geometryOf(layer)));
    write(geometryOf(layer));
    tellPerson(texts.areaSet);
    choose("point");
    press("point")?.setAttribute("aria-pressed", "false");
    press("area")?.setAttribute("aria-pressed", "true");
  }

  function clearShape() {
    if (!shape) return;
    shape.pm?.disable();
    shape.remove();
    shape = null;
  }

  function choose(next) {
    mode = next;
    for (const name of ["point", "area"]) press(name)?.setAttribute("aria-pressed", String(name === mode));
    if (press("finish")) press("finish").hidden = mode !== "area";
    if (mode === "area") {
      clearShape();
      write(null);
      map.pm.enableDraw("Polygon", { finishOn: null, cursorMarker: false });
      tellPerson(texts.draw);
    } else {
      map.pm.disableDraw();
    }
  }

  function tellPerson(text) {
    if (status) status.textContent = text;
  }

  // On a phone the map may lie below the button that has just changed it.
  function showMap() {
    map.getContainer().scrollIntoView({ block: "nearest", behavior: prefersLessMotion() ? "auto" : "smooth" });
  }

  map.on("click", (event) => {
    // Once an area is drawn, a stray press must not throw it away.
    if (mode === "point" && !(shape instanceof L.Polygon)) setPoint(event.latlng);
  });
  map.on("pm:create", ({ layer }) => setArea(layer));

  press("point")?.addEventListener("click", () => {
    if (shape instanceof L.Polygon) {
      clearShape();
      write(null);
    }
    choose("point");
    tellPerson(texts.place);
  });
  press("area")?.addEventListener("click", () => choose("area"));
  press("finish")?.addEventListener("click", () => map.pm.Draw.Polygon._finishShape());
  press("middle")?.addEventListener("click", () => {
    choose("point");
    setPoint(map.getCenter());
    showMap();
  });
  press("remove")?.addEventListener("click", () => {
    clearShape();
    write(null);
    choose("point");
    tellPerson(texts.nothing);
  });
  press("here")?.addEventListener("click", () => {
    choose("point");
    tellPerson(texts.locating);
    if (!navigator.geolocation) {
      tellPerson(texts.notLocated);
      return;
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const at = [coords.latitude, coords.longitude];
        setPoint(L.latLng(at));
        map.setView(at, Math.max(map.getZoom(), 15), { animate: !prefersLessMotion() });
        showMap();
      },
      () => tellPerson(texts.notLocated),
      { enableHighAccuracy: true, timeout: 10_000, maximumAge: 60_000 },
    );
  });

  for (const input of [lonInput, latInput]) {
    input?.addEventListener("change", () => {
      const [lon, lat] = [lonInput.value, latInput.value].map((text) => Number.parseFloat(text.replace(",", ".")));
      if (!Number.isFinite(lon) || !Number.isFinite(lat) || Math.abs(lat) > 90 || Math.abs(lon) > 180) return;
      choose("point");
      setPoint(L.latLng(lat, lon), { toInputs: false });
      map.setView([lat, lon], Math.max(map.getZoom(), 13), { animate: false });
    });
  }
  document.addEventListener("mf:place-chosen", () => {
    if (!shape) tellPerson(texts.place);
    showMap();
  });

  choose("point");
  restore();

  // What the form already holds: from the database, or typed before something else was wrong.
  function restore() {
    let geometry = null;
    try {
      geometry = field.value ? JSON.parse(field.value) : null;
    } catch {
      geometry = null;
    }
    if (geometry?.type === "Feature") ({ geometry } = geometry);
    if (geometry?.type === "Point") {
      const at = L.GeoJSON.coordsToLatLng(geometry.coordinates);
      setPoint(at);
      map.setView(at, Math.max(map.getZoom(), 13), { animate: false });
    } else if (geometry?.type === "Polygon" || geometry?.type === "MultiPolygon") {
      const layer = L.polygon(L.GeoJSON.coordsToLatLngs(geometry.coordinates, geometry.type === "Polygon" ? 1 : 2), AREA).addTo(map);
      setArea(layer);
      map.fitBounds(layer.getBounds(), { padding: [40, 40], animate: false });
    } else {
      tellPerson(texts.place);
    }
  }
}

function rounded(geometry) {
  const round = (value) => (Array.isArray(value) ? value.map(round) : Number(value.toFixed(DECIMALS)));
  return { type: geometry.type, coordinates: round(geometry.coordinates) };
}
