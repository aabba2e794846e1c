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

// What the program's own tiles hold (marketplace/queries/basemap.py), and what is asked for at all: no tile of the
// open sea or of other continents.
const OWN_ZOOMS = { least: 3, most: 11 };
const FILE_MOST_ZOOM = 10;
const NORWAY = { west: 3.5, south: 57.5, east: 32, north: 71.7 };

export function addBaseLayer(map, options) {
  const sources = { own: { url: ownTiles(options.url), maxDataZoom: OWN_ZOOMS.most, levelDiff: 1 } };
  if (options.fileUrl) sources.file = { url: fileTiles(options.fileUrl), maxDataZoom: FILE_MOST_ZOOM, levelDiff: 1 };
  const vector = protomapsL.leafletLayer({
    sources,
    attribution: options.attribution,
    backgroundColor: COLOURS.sea,
    paintRules: options.fileUrl ? [...ownLand(), ...filePaint()] : [...ownLand(), ...ownBorders()],
    labelRules: ownLabels(),
    lang: "nb",
    noWrap: true,
  });
  vector.addTo(map);
  if (options.rasterUrl) addRaster(map, options);
  return vector;
}

// Tiles by address. One that does not come is left out: a hole in the map is no reason to stop drawing it.
function ownTiles(template) {
  return {
    async getZxy(z, x, y, signal) {
      if (z < OWN_ZOOMS.least || !isNorway(z, x, y)) return undefined;
      const answer = await quietly(() => fetch(L.Util.template(template, { z, x, y }), { signal }));
      return answer?.status === 200 ? { data: await answer.arrayBuffer() } : undefined;
    },
  };
}

function fileTiles(url) {
  const archive = new protomapsL.PmtilesSource(url, true).p;
  return { getZxy: (z, x, y, signal) => quietly(() => archive.getZxy(z, x, y, signal)) };
}

async function quietly(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error.name === "AbortError") throw error; // the map has moved on
    return undefined;
  }
}

function isNorway(z, x, y) {
  const corner = (column, row) => {
    const across = 2 ** z;
    const n = Math.PI * (1 - (2 * row) / across);
    return { lon: (column / across) * 360 - 180, lat: (Math.atan(Math.sinh(n)) * 180) / Math.PI };
  };
  const northWest = corner(x, y);
  const southEast = corner(x + 1, y + 1);
  return southEast.lon > NORWAY.west && northWest.lon < NORWAY.east && northWest.lat > NORWAY.south && southEast.lat < NORWAY.north;
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
function ownLand() {
  return [
    { dataSource: "own", dataLayer: "land", symbolizer: new protomapsL.PolygonSymbolizer({ fill: COLOURS.land, stroke: COLOURS.coast, width: byZoom([5, 0.5], [9, 1.25]) }) },
    { dataSource: "own", dataLayer: "land", symbolizer: solid(COLOURS.land) },
  ];
}

function ownBorders() {
  return [
    { dataSource: "own", dataLayer: "boundary", minzoom: 7, symbolizer: stroke(COLOURS.boundary, byZoom([7, 0.5], [12, 1.25]), { dash: [4, 3] }) },
  ];
}

function ownLabels() {
  return [
    places({ kinds: ["town"], size: [11, 15], weight: 600, colour: COLOURS.text }),
    places({ kinds: ["municipality"], size: [11, 13], weight: 400, colour: COLOURS.quietText, minzoom: 8, style: "italic" }),
    places({ kinds: ["place"], size: [10.5, 13], weight: 450, colour: COLOURS.text, minzoom: 11 }),
  ];
}

// A PMTiles file of Kartverket's N1000, upon our own land, since it has only what lies on land. Layers it lacks are not
// missed.
function filePaint() {
  const is = (...classes) => (z, feature) => classes.includes(feature.props.class);
  return [
    { dataSource: "file", dataLayer: "forest", symbolizer: solid(COLOURS.forest) },
    { dataSource: "file", dataLayer: "open", symbolizer: solid(COLOURS.open) },
    { dataSource: "file", dataLayer: "bog", symbolizer: solid(COLOURS.bog) },
    { dataSource: "file", dataLayer: "glacier", symbolizer: solid(COLOURS.glacier) },
    { dataSource: "file", dataLayer: "builtup", symbolizer: solid(COLOURS.builtup) },
    { dataSource: "file", dataLayer: "sea", symbolizer: new protomapsL.PolygonSymbolizer({ fill: COLOURS.sea, stroke: COLOURS.coast, width: byZoom([5, 0.4], [10, 1]) }) },
    { dataSource: "file", dataLayer: "lake", symbolizer: new protomapsL.PolygonSymbolizer({ fill: COLOURS.lake, stroke: COLOURS.coast, width: byZoom([6, 0.2], [10, 0.8]) }) },
    { dataSource: "file", dataLayer: "river_area", symbolizer: solid(COLOURS.lake) },
    { dataSource: "file", dataLayer: "stream", minzoom: 9, symbolizer: stroke(COLOURS.stream, byZoom([9, 0.5], [14, 2])) },
    { dataSource: "file", dataLayer: "boundary", minzoom: 9, filter: (z, feature) => feature.props.level !== "fylke", symbolizer: stroke(COLOURS.boundary, 0.75, { dash: [4, 3] }) },
    { dataSource: "file", dataLayer: "boundary", minzoom: 7, filter: (z, feature) => feature.props.level === "fylke", symbolizer: stroke(COLOURS.county, byZoom([5, 0.5], [12, 1.5]), { dash: [7, 3] }) },
    { dataSource: "file", dataLayer: "rail", minzoom: 8, symbolizer: stroke(COLOURS.rail, byZoom([8, 0.5], [14, 1.5]), { dash: [6, 2] }) },
    { dataSource: "file", dataLayer: "road", minzoom: 10, filter: is("F", "K", "P"), symbolizer: stroke(COLOURS.roadCase, byZoom([10, 1], [15, 5])) },
    { dataSource: "file", dataLayer: "road", minzoom: 10, filter: is("F", "K", "P"), symbolizer: stroke(COLOURS.road, byZoom([10, 0.4], [15, 3.5])) },
    { dataSource: "file", dataLayer: "road", minzoom: 6, filter: is("E", "R"), symbolizer: stroke(COLOURS.roadCase, byZoom([6, 0.8], [10, 2.4], [15, 7])) },
    { dataSource: "file", dataLayer: "road", minzoom: 8, filter: is("E", "R"), symbolizer: stroke(COLOURS.mainRoad, byZoom([8, 0.4], [10, 1.4], [15, 5])) },
  ];
}

function places({ kinds, size, weight, colour, minzoom, style = "normal" }) {
  const font = (z) => {
    const share = Math.min(1, Math.max(0, (z - 6) / 7));
    return `${style} ${weight} ${(size[0] + share * (size[1] - size[0])).toFixed(1)}px Inter, system-ui, sans-serif`;
  };
  return {
    dataSource: "own",
    dataLayer: "place",
    minzoom,
    filter: (z, feature) => kinds.includes(feature.props.kind),
    symbolizer: new protomapsL.CenteredTextSymbolizer({ labelProps: ["name"], font, fill: colour, stroke: COLOURS.halo, width: 2, lineHeight: 1.15 }),
    sort: (a, b) => (b.population ?? 0) - (a.population ?? 0),
  };
}
