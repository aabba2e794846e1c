// Quarries, landfills, recycling plants and interim storage: fetched once, shown when the map is near enough.

import { label, node } from "./map.js";
import { facilityIcon } from "./symbols.js";

export function addFacilities(map, { dataUrl, minZoom, texts }) {
  const layer = L.layerGroup();
  let asked = false;

  async function load() {
    asked = true;
    const answer = await fetch(dataUrl, { headers: { Accept: "application/geo+json, application/json" } }).catch(() => null);
    if (!answer?.ok) {
      asked = false; // tried again when the map moves
      return;
    }
    for (const feature of (await answer.json()).features) layer.addLayer(facilityMarker(feature, texts));
  }

  const follow = () => {
    const near = map.getZoom() >= minZoom;
    if (near && !asked) load();
    if (near !== map.hasLayer(layer)) (near ? layer.addTo(map) : layer.remove());
  };
  map.on("zoomend moveend", follow);
  follow();
  return layer;
}

export function facilityMarker({ geometry, properties }, texts) {
  const kind = texts[properties.kind] ?? "";
  const marker = L.marker(L.GeoJSON.coordsToLatLng(geometry.coordinates), { icon: facilityIcon(properties), zIndexOffset: -300 });
  label(marker, [kind, properties.title].filter(Boolean).join(", "));
  marker.bindPopup(() => {
    const link = properties.url ? node("a", "mf-popup__link", texts.open) : null;
    if (link) link.href = properties.url;
    return node("div", "mf-popup", node("p", "mf-popup__kind", kind), node("p", "mf-popup__title", properties.title),
      ...(properties.details ?? []).map((line) => node("p", "mf-popup__line", line)), link);
  }, { minWidth: 180, maxWidth: 260 });
  return marker;
}
