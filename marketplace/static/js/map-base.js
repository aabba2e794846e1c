// The basemap: vector tiles from the program itself, drawn on canvas, and Kartverket's raster tiles above them when the
// network is there. A map without network is still a map.

const COLOURS = {
  sea: "#d5e3e8",
  land: "#f4f4ef",
  lake: "#d5e3e8",
  forest: "#e9eee3",
  open: "#f1f0e8",
  bog: "#e6ebe4",
  glacier: "#fbfdfe",
  builtup: "#e5e3dc",
  coast: "#9fb6bd",
  boundary: "#b9b6bf",
  county: "#938f9c",
  stream: "#bfd4db",
  roadCase: "#c9c4b8",
  road: "#ffffff",
  mainRoad: "#fdf6df",
  rail: "#a7a9ad",
  text: "#3c4646",
  quietText: "#5d6767",
  halo: "#f8f8f5",
};

export function addBaseLayer(map, options) {
  const isFile = options.source === "file";
  const vector = protomapsL.leafletLayer({
    url: options.url,
    attribution: options.attribution,
    backgroundColor: isFile ? COLOURS.land : COLOURS.sea,
    paintRules: isFile ? filePaint() : ownPaint(),
    labelRules: isFile ? fileLabels() : ownLabels(),
    maxDataZoom: isFile ? 10 : 11,
    levelDiff: 1,
    lang: "nb",
    noWrap: true,
    minZoom: 3,
  });
  vector.addTo(map);
  if (options.rasterUrl) addRaster(map, options);
  return vector;
}

// One tile is tried out of sight first, so that a map without network shows no torn pieces of another.
function addRaster(map, { rasterUrl, rasterAttribution }) {
  const probe = new Image();
  probe.addEventListener("load", () => {
    L.tileLayer(rasterUrl, { attribution: rasterAttribution, maxNativeZoom: 18, maxZoom: 18, minZoom: 4, className: "mf-raster" }).addTo(map);
  }, { once: true });
  probe.referrerPolicy = "origin";
  probe.src = L.Util.template(rasterUrl, { z: 5, x: 16, y: 9, s: "a", r: "" });
}

const solid = (fill) => new protomapsL.PolygonSymbolizer({ fill });
const stroke = (color, width, extra = {}) => new protomapsL.LineSymbolizer({ color, width, ...extra });
const byZoom = (...stops) => protomapsL.linear(stops);

// The program's own tiles: layers `land`, `boundary` and `place`.
function ownPaint() {
  return [
    { dataLayer: "land", symbolizer: new protomapsL.PolygonSymbolizer({ fill: COLOURS.land, stroke: COLOURS.coast, width: byZoom([5, 0.5], [9, 1.25]) }) },
    { dataLayer: "land", symbolizer: solid(COLOURS.land) },
    { dataLayer: "boundary", minzoom: 8, filter: (z, feature) => feature.props.level !== "county", symbolizer: stroke(COLOURS.boundary, byZoom([7, 0.5], [12, 1.25]), { dash: [4, 3] }) },
    { dataLayer: "boundary", filter: (z, feature) => feature.props.level === "county", symbolizer: stroke(COLOURS.county, byZoom([5, 0.6], [12, 1.75]), { dash: [7, 3] }) },
  ];
}

function ownLabels() {
  return [
    places({ kinds: ["town"], size: [11, 15], weight: 600, colour: COLOURS.text }),
    places({ kinds: ["municipality"], size: [11, 13], weight: 400, colour: COLOURS.quietText, minzoom: 8, style: "italic" }),
    places({ kinds: ["place"], size: [10.5, 13], weight: 450, colour: COLOURS.text, minzoom: 11 }),
  ];
}

// A PMTiles file of Kartverket's N1000: the layers it has are drawn, those it lacks are not missed.
function filePaint() {
  const is = (...classes) => (z, feature) => classes.includes(feature.props.class);
  return [
    { dataLayer: "forest", symbolizer: solid(COLOURS.forest) },
    { dataLayer: "open", symbolizer: solid(COLOURS.open) },
    { dataLayer: "bog", symbolizer: solid(COLOURS.bog) },
    { dataLayer: "glacier", symbolizer: solid(COLOURS.glacier) },
    { dataLayer: "builtup", symbolizer: solid(COLOURS.builtup) },
    { dataLayer: "sea", symbolizer: new protomapsL.PolygonSymbolizer({ fill: COLOURS.sea, stroke: COLOURS.coast, width: byZoom([5, 0.4], [10, 1]) }) },
    { dataLayer: "lake", symbolizer: new protomapsL.PolygonSymbolizer({ fill: COLOURS.lake, stroke: COLOURS.coast, width: byZoom([6, 0.2], [10, 0.8]) }) },
    { dataLayer: "river_area", symbolizer: solid(COLOURS.lake) },
    { dataLayer: "stream", minzoom: 9, symbolizer: stroke(COLOURS.stream, byZoom([9, 0.5], [14, 2])) },
    { dataLayer: "boundary", minzoom: 9, filter: (z, feature) => feature.props.level !== "fylke", symbolizer: stroke(COLOURS.boundary, 0.75, { dash: [4, 3] }) },
    { dataLayer: "boundary", filter: (z, feature) => feature.props.level === "fylke", symbolizer: stroke(COLOURS.county, byZoom([5, 0.5], [12, 1.5]), { dash: [7, 3] }) },
    { dataLayer: "rail", minzoom: 8, symbolizer: stroke(COLOURS.rail, byZoom([8, 0.5], [14, 1.5]), { dash: [6, 2] }) },
    { dataLayer: "road", minzoom: 10, filter: is("F", "K", "P"), symbolizer: stroke(COLOURS.roadCase, byZoom([10, 1], [15, 5])) },
    { dataLayer: "road", minzoom: 10, filter: is("F", "K", "P"), symbolizer: stroke(COLOURS.road, byZoom([10, 0.4], [15, 3.5])) },
    { dataLayer: "road", minzoom: 6, filter: is("E", "R"), symbolizer: stroke(COLOURS.roadCase, byZoom([6, 0.8], [10, 2.4], [15, 7])) },
    { dataLayer: "road", minzoom: 8, filter: is("E", "R"), symbolizer: stroke(COLOURS.mainRoad, byZoom([8, 0.4], [10, 1.4], [15, 5])) },
  ];
}

function fileLabels() {
  const named = (kinds, rest) => places({ kinds, ...rest });
  return [
    named(["by"], { size: [11, 15], weight: 600, colour: COLOURS.text }),
    named(["tettsted"], { size: [10.5, 13.5], weight: 500, colour: COLOURS.text, minzoom: 9 }),
    places({ kinds: null, except: ["by", "tettsted"], size: [10.5, 12.5], weight: 400, colour: COLOURS.quietText, minzoom: 11 }),
  ];
}

function places({ kinds, except = [], size, weight, colour, minzoom, style = "normal" }) {
  const font = (z) => {
    const share = Math.min(1, Math.max(0, (z - 6) / 7));
    return `${style} ${weight} ${(size[0] + share * (size[1] - size[0])).toFixed(1)}px Inter, system-ui, sans-serif`;
  };
  return {
    dataLayer: "place",
    minzoom,
    filter: (z, feature) => (kinds === null ? !except.includes(feature.props.kind) : kinds.includes(feature.props.kind)),
    symbolizer: new protomapsL.CenteredTextSymbolizer({ labelProps: ["name"], font, fill: colour, stroke: COLOURS.halo, width: 2, lineHeight: 1.15 }),
    sort: (a, b) => (b.population ?? -(b.rank ?? 99)) - (a.population ?? -(a.rank ?? 99)),
  };
}
