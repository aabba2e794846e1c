// A mark where distances are measured from. The page moves it: `mf:origin` with "lon,lat,name", or nothing to take it away.

import { label, say } from "./map.js";
import { originIcon } from "./symbols.js";

export function addOrigin(map, { at, label: name, texts }) {
  let mark = null;

  function put(position, place) {
    mark?.remove();
    mark = position && L.marker(position, { icon: originIcon(), keyboard: false, zIndexOffset: -500 });
    if (!mark) return;
    label(mark, say(texts.from, { place }));
    mark.bindTooltip(place, { direction: "top", offset: [0, -14] }).addTo(map);
  }

  document.addEventListener("mf:origin", ({ detail }) => {
    const [, lon, lat, place] = /^([^,]*),([^,]*),(.*)$/s.exec(detail.origin) ?? [];
    put(lon === undefined ? null : [Number(lat), Number(lon)], place);
  });
  put(at && [at[1], at[0]], name);
}
