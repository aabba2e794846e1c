// Flows of mass as ribbons on a Leaflet map: as wide as their tonnes, bent to the right of their way, with an arrowhead
// at their destination, and a ring for what stays within a place. What is drawn was chosen by geo/flowmap.py; here it is
// only put on the screen, so that the page and the file that opens alone look the same.

import { node, say } from "./map.js";
import { GROUPS, groupOf } from "./symbols.js";

const SVG = "http://www.w3.org/2000/svg";
const STEPS = 30;
const NODE_PX = { least: 3.5, most: 9 };
const NEARLY_ALL = 0.93;
const CHIP_FROM_PX = 5;
const CHIP_APART_PX = 26;
// Where the ring of a group within a place stands, so that two never lie upon each other: the angle from east, clockwise.
const RING_TURNS = { stone: -45, soil: 45, concrete: 135, asphalt: -135, other: -90 };
const PALE = { concrete: "#5f7378", other: "#6d7675" };

function shape(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function flowLanguage() {
  return document.documentElement.lang || "nb";
}

// As the filter `tonnes` writes them.
export function tonnes(mass) {
  const decimals = Math.abs(mass) >= 100 ? 0 : Math.abs(mass) >= 1 ? 1 : 3;
  const text = new Intl.NumberFormat(flowLanguage(), { maximumFractionDigits: decimals }).format(mass);
  return `${flowLanguage() === "nb" ? text.replace(/\u00a0/g, "\u202f") : text}\u00a0t`;
}

export function widthOf(mass, { top, widest, least }) {
  return mass > 0 ? Math.max(least, Math.min(widest, (widest * mass) / top)) : 0;
}

// The masses of a picture in one month, or in all of them (-1); null where a month may not be shown.
export function massIn(flow, month) {
  if (month < 0) return flow.mass_t;
  return flow.months_t ? flow.months_t[month] : null;
}

// Of ribbons, and of rings.
export function scalesOf(picture, month) {
  return month < 0 ? picture.scales.whole : picture.scales.month;
}

export function flowKey(picture, flow) {
  return `${picture.detail}/${picture.places[flow.from].key}/${picture.places[flow.to].key}/${flow.group}`;
}

// show(picture, month) draws; highlight(key) marks one flow. `onDrawn` hears what is on the map now, `onPoint` which flow
// is pointed at.
export function flowLines(map, { texts, months, onDrawn, onPoint }) {
  const pane = map.createPane("mf-flows");
  const ribbons = shape("g", {});
  const rings = shape("g", {});
  const nodes = shape("g", {});
  const chips = shape("g", { class: "mf-flows__chips" });
  const svg = shape("svg", { class: "mf-flows leaflet-zoom-hide", width: 1, height: 1, overflow: "visible", "aria-hidden": "true", focusable: "false" }, ribbons, rings, nodes, chips);
  pane.append(svg);
  const drawn = new Map();
  let picture = null;
  let month = -1;

  function draw() {
    for (const layer of [ribbons, rings, nodes, chips]) layer.replaceChildren();
    drawn.clear();
    if (!picture) return;
    const scales = scalesOf(picture, month);
    const spots = picture.places.map(({ at }) => pointOf(map, at));
    const sums = throughput(picture, month);
    const radii = nodeRadii(sums);
    const taken = [];
    // The widest first, so that thin ones lie upon them and can be seen.
    for (const flow of byMass(picture, month)) {
      const width = widthOf(massIn(flow, month), flow.through ? scales.ribbon : scales.ring);
      const line = flow.through
        ? ribbon(spots[flow.from], pointOf(map, flow.through), spots[flow.to], { width, start: radii[flow.from], end: radii[flow.to] })
        : ring(spots[flow.from], { width, away: radii[flow.from], group: groupOf(flow.group) });
      if (!line) continue;
      const path = paint(line, flow, width);
      (flow.through ? ribbons : rings).append(path);
      listen(path, flow);
      drawn.set(flowKey(picture, flow), path);
      if (width >= CHIP_FROM_PX && taken.every((other) => Math.hypot(other.x - line.middle.x, other.y - line.middle.y) > CHIP_APART_PX)) {
        taken.push(line.middle);
        chips.append(chip(line.middle, groupOf(flow.group)));
      }
    }
    picture.places.forEach((place, index) => {
      if (!sums[index].all) return;
      const circle = shape("circle", { cx: spots[index].x, cy: spots[index].y, r: radii[index], class: "mf-flows__place leaflet-interactive", fill: "#ffffff", stroke: "#142021", "stroke-width": 1.75 });
      hint(circle, () => placeWords(place, sums[index]));
      nodes.append(circle);
    });
    onDrawn?.(summary());
  }

  function summary() {
    const shown = byMass(picture, month);
    const withheld = month < 0 ? 0 : picture.flows.filter((flow) => massIn(flow, month) === null).length;
    return { picture, month, count: shown.length, mass: shown.reduce((sum, flow) => sum + massIn(flow, month), 0), withheld, rest: picture.rest };
  }

  function listen(path, flow) {
    const key = flowKey(picture, flow);
    hint(path, () => flowWords(flow));
    path.addEventListener("mouseenter", () => { highlight(key); onPoint?.(key); });
    path.addEventListener("mouseleave", () => { highlight(null); onPoint?.(null); });
  }

  // Words at the pointer, and where a finger taps.
  function hint(element, words) {
    const tip = L.tooltip({ className: "mf-flowtip", direction: "top", offset: [0, -8], opacity: 1 });
    const at = (event) => map.mouseEventToLatLng(event);
    element.addEventListener("mouseenter", (event) => tip.setContent(words()).setLatLng(at(event)).addTo(map));
    element.addEventListener("mousemove", (event) => tip.setLatLng(at(event)));
    element.addEventListener("mouseleave", () => tip.remove());
    element.addEventListener("click", (event) => {
      L.DomEvent.stopPropagation(event);
      tip.remove();
      L.popup({ minWidth: 180, maxWidth: 280, autoPanPadding: [24, 24] }).setLatLng(at(event)).setContent(words()).openOn(map);
    });
  }

  function flowWords(flow) {
    const [from, to] = [picture.places[flow.from].name, picture.places[flow.to].name];
    const way = flow.through ? say(texts.way, { from, to }) : say(texts.within, { place: from });
    return node("div", "mf-popup mf-popup--flow",
      node("p", "mf-popup__kind", texts[groupOf(flow.group)] ?? ""),
      node("p", "mf-popup__title", way),
      node("p", "mf-quantity mf-popup__quantity", tonnes(massIn(flow, month))),
      node("p", "mf-popup__line", [month < 0 ? texts.whole : months[month], say(texts.deals, { count: flow.deals })].join(" · ")));
  }

  function placeWords(place, { out, into, within }) {
    const lines = [[texts.out, out], [texts.into, into], [texts.stays, within]].filter(([, mass]) => mass > 0);
    return node("div", "mf-popup mf-popup--flow", node("p", "mf-popup__title", place.name),
      ...lines.map(([text, mass]) => node("p", "mf-popup__line", say(text, { mass: tonnes(mass) }))));
  }

  function highlight(key) {
    svg.classList.toggle("has-active", drawn.has(key));
    for (const [name, path] of drawn) path.classList.toggle("is-active", name === key);
  }

  map.on("zoomend viewreset", draw);
  return {
    show(next, at = month) {
      picture = next;
      month = at;
      draw();
    },
    highlight,
    bounds: () => boundsOf(picture),
  };
}

// Around the flows of nearly all tonnes, both ends and the bow between them, so that a single load far off does not make
// all others small.
function boundsOf(picture) {
  if (!picture?.places.length) return null;
  const ranked = byMass(picture, -1);
  const enough = NEARLY_ALL * ranked.reduce((sum, flow) => sum + massIn(flow, -1), 0);
  const bounds = L.latLngBounds([]);
  let passed = 0;
  for (const flow of ranked) {
    const points = [picture.places[flow.from].at, picture.places[flow.to].at, ...(flow.through ? [flow.through] : [])];
    for (const [lon, lat] of points) bounds.extend([lat, lon]);
    passed += massIn(flow, -1);
    if (passed >= enough) break;
  }
  return bounds.isValid() ? bounds : null;
}

function pointOf(map, [lon, lat]) {
  return map.latLngToLayerPoint([lat, lon]);
}

function byMass(picture, month) {
  return picture.flows.filter((flow) => massIn(flow, month) > 0).sort((a, b) => massIn(b, month) - massIn(a, month));
}

function throughput(picture, month) {
  const sums = picture.places.map(() => ({ out: 0, into: 0, within: 0, all: 0 }));
  for (const flow of picture.flows) {
    const mass = massIn(flow, month) ?? 0;
    if (flow.from === flow.to) sums[flow.from].within += mass;
    else {
      sums[flow.from].out += mass;
      sums[flow.to].into += mass;
    }
  }
  for (const sum of sums) sum.all = sum.out + sum.into + sum.within;
  return sums;
}

// The area of a place's dot follows what goes through it.
function nodeRadii(sums) {
  const most = Math.max(...sums.map(({ all }) => all), 0);
  return sums.map(({ all }) => (most > 0 ? NODE_PX.least + (NODE_PX.most - NODE_PX.least) * Math.sqrt(all / most) : NODE_PX.least));
}

// The outline of a ribbon with its head. The straight length decides how much room the head has.
function ribbon(start, through, end, { width, start: from, end: to }) {
  const along = [];
  for (let step = 0; step <= STEPS; step += 1) along.push(bezier(start, through, end, step / STEPS));
  const points = trimmed(along, from + 1, to + 1.5);
  const length = lengthOf(points);
  if (length < 3) return null;
  const head = Math.min(Math.max(8, width * 1.1), length * 0.6);
  const half = Math.max(width / 2 + 3, width * 0.95) * Math.min(1, head / Math.max(8, width * 1.1) + 0.25);
  const shaft = trimmed(points, 0, head);
  const tip = points.at(-1);
  const neck = shaft.at(-1);
  const way = unit({ x: tip.x - neck.x, y: tip.y - neck.y });
  const sides = shaft.map((point, index) => ({ point, normal: normalAt(shaft, index) }));
  sides[sides.length - 1].normal = { x: -way.y, y: way.x };
  const left = sides.map(({ point, normal }) => offset(point, normal, width / 2));
  const right = sides.map(({ point, normal }) => offset(point, normal, -width / 2)).reverse();
  const last = { x: -way.y, y: way.x };
  const outline = [...left, offset(neck, last, half), tip, offset(neck, last, -half), ...right];
  return { d: `M${outline.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`, isRing: false, middle: shaft[Math.floor(shaft.length / 2)] };
}

function ring(spot, { width, away, group }) {
  const turn = (RING_TURNS[group] * Math.PI) / 180;
  const radius = 7 + width / 2;
  const middle = { x: spot.x + (away + radius) * Math.cos(turn), y: spot.y + (away + radius) * Math.sin(turn) };
  const [left, right] = [middle.x - radius, middle.x + radius];
  return { d: `M${left.toFixed(1)} ${middle.y.toFixed(1)}A${radius} ${radius} 0 1 1 ${right.toFixed(1)} ${middle.y.toFixed(1)}A${radius} ${radius} 0 1 1 ${left.toFixed(1)} ${middle.y.toFixed(1)}Z`, isRing: true, middle };
}

function paint({ d, isRing }, flow, width) {
  const group = groupOf(flow.group);
  const { fill } = GROUPS[group];
  const attributes = isRing
    ? { fill: "none", stroke: width < 3 ? (PALE[group] ?? fill) : fill, "stroke-width": width }
    : { fill: width < 3 ? (PALE[group] ?? fill) : fill, stroke: PALE[group] ?? "#ffffff", "stroke-width": 0.9, "stroke-linejoin": "round" };
  return shape("path", { d, class: `mf-flows__flow mf-flows__flow--${group} leaflet-interactive`, ...attributes });
}

// The mark of the group, so that colour is never alone.
function chip({ x, y }, group) {
  const { fill, on, mark } = GROUPS[group];
  return shape("g", { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` },
    shape("circle", { r: 9.5, fill, stroke: PALE[group] ?? "#ffffff", "stroke-width": 1.5 }),
    shape("path", { d: mark, transform: "scale(.68) translate(-8 -8)", fill: on, "fill-rule": "evenodd" }));
}

// Points on lines -------------------------------------------------------------------------------------------------

function bezier(a, b, c, t) {
  const [p, q, r] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
  return { x: p * a.x + q * b.x + r * c.x, y: p * a.y + q * b.y + r * c.y };
}

const apart = (a, b) => Math.hypot(b.x - a.x, b.y - a.y);

function lengthOf(points) {
  let length = 0;
  for (let index = 1; index < points.length; index += 1) length += apart(points[index - 1], points[index]);
  return length;
}

// The line without its first and last stretch.
function trimmed(points, first, last) {
  return cut(cut(points, first).reverse(), last).reverse();
}

function cut(points, length) {
  const left = [...points];
  let rest = length;
  while (left.length > 2 && apart(left[0], left[1]) <= rest) {
    rest -= apart(left[0], left[1]);
    left.shift();
  }
  const step = apart(left[0], left[1]);
  const share = step > 0 ? Math.min(1, rest / step) : 0;
  left[0] = { x: left[0].x + share * (left[1].x - left[0].x), y: left[0].y + share * (left[1].y - left[0].y) };
  return left;
}

function unit({ x, y }) {
  const size = Math.hypot(x, y) || 1;
  return { x: x / size, y: y / size };
}

function normalAt(points, index) {
  const before = points[Math.max(0, index - 1)];
  const after = points[Math.min(points.length - 1, index + 1)];
  const { x, y } = unit({ x: after.x - before.x, y: after.y - before.y });
  return { x: -y, y: x };
}

function offset({ x, y }, normal, by) {
  return { x: x + normal.x * by, y: y + normal.y * by };
}
