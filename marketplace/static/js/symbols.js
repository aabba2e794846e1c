// How materials, listings and facilities are drawn on maps. The colours are those of css/tokens.css (held by a test);
// the marks are those of components/icons.html. Form tells the kinds apart, too: surplus is a filled drop, demand a ring,
// reception a square sign.

export const GROUPS = {
  stone: { fill: "#2a6f97", on: "#ffffff", mark: "M8 1.5 14 5l1 6-5 3.5-6-.5-3-5.5z" },
  soil: { fill: "#c8801a", on: "#1b1204", mark: "M.5 13.5C2 6.5 5 3 8 3s6 3.5 7.5 10.5z" },
  concrete: { fill: "#a9b9bd", on: "#10191b", mark: "M2 2h12v12H2z" },
  asphalt: { fill: "#2b2a33", on: "#ffffff", mark: "M1 2h14v3H1zm0 4.75h14v3H1zM1 11.5h14v3H1z" },
  other: { fill: "#f4f6f5", on: "#1f2727", mark: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 3a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z" },
};

// The ring's own colour where the fill would be too pale on land.
const EDGES = { concrete: "#5f7378", other: "#6d7675" };

const FACILITIES = {
  quarry: "M2.5 20.5h19M4 20.5V8h5v5h5.5v4h6v3.5M14 4l6 6M20 4.5c-2-1.5-4.5-1.5-6.5 0M19.5 5l-6.5 6.5",
  landfill: "M2.5 9 6 20h12l3.5-11M6 13.5c4-2.5 8 2.5 12 0M12 2.5v7M9 6.5l3 3 3-3",
  recycling: "m9 8 3-5 3.5 6M13 9h2.5V6.5M17.5 11.5l3.5 6h-6.5M17 15l-2.5 2.5L17 20M10 17.5H3.5L7 11.5M9 12.5 7 11.5 6 13.5",
  interim_storage: "M2.5 20.5h19L15 9l-4 6-2.5-3.5zM15 9V3.5l4 2-4 2",
};

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function icon(svg, { size, anchor, name }) {
  const holder = document.createElement("div");
  holder.append(svg);
  return L.divIcon({ html: holder, className: `mf-pin ${name}`, iconSize: size, iconAnchor: anchor, popupAnchor: [0, -anchor[1] + 4] });
}

export function groupOf(key) {
  return Object.hasOwn(GROUPS, key) ? key : "other";
}

const DROP = "M17 41C12 33.5 3 27 3 16.5a14 14 0 0 1 28 0C31 27 22 33.5 17 41z";
const SIGN = "M3.5 3.5h27v25h-9L17 41l-4.5-12.5h-9z";

// One listing: a drop filled with the group's colour (surplus), white with a ring of it (demand), or a pale sign with a
// frame of it (reception).
export function listingIcon({ kind, group, role }) {
  const key = groupOf(group);
  const { fill, on, mark } = GROUPS[key];
  const name = kind === "demand" || kind === "reception" ? kind : "surplus";
  const isHollow = name !== "surplus";
  const ring = EDGES[key] ?? fill;
  const shape = name === "reception" ? SIGN : DROP;
  const svg = element("svg", { viewBox: "0 0 34 44", width: 34, height: 44, "aria-hidden": "true", focusable: "false" },
    element("path", { d: shape, class: "mf-pin__halo", fill: "none", stroke: "#ffffff", "stroke-width": 5 }),
    element("path", {
      d: shape,
      fill: { surplus: fill, demand: "#ffffff", reception: "#e5ebd1" }[name],
      stroke: isHollow ? ring : "#142021",
      "stroke-width": isHollow ? 4 : 1.25,
      "stroke-linejoin": "round",
    }),
    element("path", { d: mark, transform: "translate(9.5 9) scale(.94)", fill: isHollow ? (key === "other" ? on : ring) : on, "fill-rule": "evenodd" }),
  );
  return icon(svg, { size: [34, 44], anchor: [17, 42], name: `mf-pin--${name}${role === "self" ? " mf-pin--self" : ""}` });
}

// Several listings: the count inside a ring that is divided by material group.
export function clusterIcon({ count, groups, surplus = 0, demand = 0, reception = 0 }) {
  const size = Math.round(Math.min(68, 34 + 9 * Math.log10(Math.max(count, 1)) * 1.35));
  const middle = size / 2;
  const width = Math.max(5, size * 0.13);
  const radius = middle - width / 2 - 2;
  const round = 2 * Math.PI * radius;
  const present = Object.keys(GROUPS).filter((key) => groups?.[key] > 0);
  const total = present.reduce((sum, key) => sum + groups[key], 0) || 1;
  const svg = element("svg", { viewBox: `0 0 ${size} ${size}`, width: size, height: size, "aria-hidden": "true", focusable: "false" },
    element("circle", { cx: middle, cy: middle, r: middle - 0.5, fill: "#ffffff", stroke: "#142021", "stroke-width": 1 }));
  const gap = present.length > 1 ? 1.5 : 0;
  let start = 0;
  for (const key of present) {
    const length = (groups[key] / total) * round;
    svg.append(element("circle", {
      cx: middle, cy: middle, r: radius, fill: "none", stroke: EDGES[key] && key === "other" ? EDGES[key] : GROUPS[key].fill, "stroke-width": width,
      "stroke-dasharray": `${Math.max(length - gap, 0.5)} ${round}`,
      "stroke-dashoffset": -start,
      transform: `rotate(-90 ${middle} ${middle})`,
    }));
    start += length;
  }
  const text = element("text", { x: middle, y: middle, "text-anchor": "middle", "dominant-baseline": "central", class: "mf-pin__count", "font-size": count > 999 ? 11.5 : 13.5 });
  text.textContent = short(count);
  svg.append(text);
  const kinds = Object.entries({ surplus, demand, reception }).filter(([, some]) => some > 0);
  const only = kinds.length === 1 ? kinds[0][0] : "both";
  return icon(svg, { size: [size, size], anchor: [middle, middle], name: `mf-pin--cluster mf-pin--${only}` });
}

export function facilityIcon({ kind }) {
  const path = FACILITIES[kind] ?? FACILITIES.quarry;
  const svg = element("svg", { viewBox: "0 0 30 30", width: 30, height: 30, "aria-hidden": "true", focusable: "false" },
    element("rect", { x: 1.5, y: 1.5, width: 27, height: 27, rx: 2, fill: "#ffffff", stroke: "#142021", "stroke-width": 1.25 }),
    element("path", { d: path, transform: "translate(5 5) scale(.833)", fill: "none", stroke: "#142021", "stroke-width": 2, "stroke-linejoin": "round" }),
  );
  return icon(svg, { size: [30, 30], anchor: [15, 15], name: "mf-pin--facility" });
}

// Where distances are measured from: a ring with a cross of hairs, which no kind of listing has.
export function originIcon() {
  const d = "M15 1v8M15 21v8M1 15h8M21 15h8";
  const svg = element("svg", { viewBox: "0 0 30 30", width: 30, height: 30, "aria-hidden": "true", focusable: "false" },
    element("path", { d, stroke: "#ffffff", "stroke-width": 5.5, "stroke-linecap": "round" }),
    element("circle", { cx: 15, cy: 15, r: 8.5, fill: "none", stroke: "#ffffff", "stroke-width": 5.5 }),
    element("path", { d, stroke: "#142021", "stroke-width": 2.25, "stroke-linecap": "round" }),
    element("circle", { cx: 15, cy: 15, r: 8.5, fill: "#c6d645", "fill-opacity": 0.55, stroke: "#142021", "stroke-width": 2.25 }),
    element("circle", { cx: 15, cy: 15, r: 2, fill: "#142021" }),
  );
  return icon(svg, { size: [30, 30], anchor: [15, 15], name: "mf-pin--origin" });
}

export function siteIcon() {
  const svg = element("svg", { viewBox: "0 0 34 44", width: 34, height: 44, "aria-hidden": "true", focusable: "false" },
    element("path", { d: "M17 41C12 33.5 3 27 3 16.5a14 14 0 0 1 28 0C31 27 22 33.5 17 41z", fill: "#024b4f", stroke: "#ffffff", "stroke-width": 2 }),
    element("circle", { cx: 17, cy: 16.5, r: 5.5, fill: "#c6d645" }),
  );
  return icon(svg, { size: [34, 44], anchor: [17, 42], name: "mf-pin--site" });
}

// As it stands in the pin, so that the pin's name says the same.
export function short(count) {
  const language = document.documentElement.lang || "nb";
  return new Intl.NumberFormat(language, { notation: count > 9999 ? "compact" : "standard" }).format(count);
}
