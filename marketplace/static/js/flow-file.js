// The flow map of a file that opens alone: everything it shows was written into it, and nothing is fetched.

import { flowLines, scalesOf } from "./flow-lines.js";
import { drawScales, facilityLayers, sayDrawn, timeControl } from "./flow-panel.js";
import { facilityMarker } from "./map-facilities.js";

const LAND = { color: "#b9b6bf", weight: 0.8, fillColor: "#f4f4ef", fillOpacity: 1, interactive: false };
const NAMES_FROM_ZOOM = 8;

export function drawFlowFile(map, data) {
  const { texts, months, pictures, details } = data;
  const root = map.getContainer().closest("[data-mf-flows]");
  L.polygon(data.outline.map((ring) => [corners(ring, data.outlineSteps)]), { ...LAND, renderer: L.canvas({ padding: 0.3 }), attribution: texts.attribution }).addTo(map);
  const names = L.layerGroup(data.names.map(([name, lon, lat]) => {
    const text = document.createElement("span");
    text.textContent = name;
    return L.marker([lat, lon], { icon: L.divIcon({ html: text, className: "mf-flowname", iconSize: [140, 18] }), interactive: false, keyboard: false, zIndexOffset: -1000 });
  }));
  let month = -1;
  const lines = flowLines(map, {
    texts,
    months,
    onDrawn(summary) {
      sayDrawn(root, summary, texts);
      drawScales(root, scalesOf(summary.picture, summary.month), texts);
    },
  });
  const pictureNow = () => pictures[details.filter(({ fromZoom }) => map.getZoom() >= fromZoom).at(-1)?.key ?? details[0].key];
  let shown = null;
  const follow = () => {
    const isNear = map.getZoom() >= NAMES_FROM_ZOOM;
    if (isNear !== map.hasLayer(names)) (isNear ? names.addTo(map) : names.remove());
    const next = pictureNow();
    if (next === shown) return;
    shown = next;
    time.totals(next.months_t, next.flows.length > 0);
    lines.show(next, month);
  };
  const time = timeControl(root, { months, texts, onMonth: (index) => { month = index; lines.show(pictureNow(), month); } });
  facilityLayers(map, root, { features: async () => data.facilities, marker: (feature) => facilityMarker(feature, texts.facilities) });
  map.on("zoomend", follow);
  follow();
  const bounds = lines.bounds();
  if (bounds) map.fitBounds(bounds, { padding: [40, 40], maxZoom: 11, animate: false });
}

// A ring of outlines as geo/flowmap.py writes it: the first corner, then the way to each next one, in whole steps.
function corners(ring, stepsPerDegree) {
  const points = [];
  let [lon, lat] = [0, 0];
  for (let index = 0; index < ring.length; index += 2) {
    lon += ring[index];
    lat += ring[index + 1];
    points.push([lat / stepsPerDegree, lon / stepsPerDegree]);
  }
  return points;
}
