// What stands beside the flows on a map: what is drawn in words, the scale of widths, the months and their player, and
// which facilities are shown. Used by the page (flows.js) and by the file that opens alone (flow-file.js).

import { node, say } from "./map.js";
import { tonnes, widthOf } from "./flow-lines.js";

const STEP_MS = 1100;
const SHARES = [1, 0.5, 0.1];
const SVG = "http://www.w3.org/2000/svg";

// What is on the map now, told also to whom cannot see it.
export function sayDrawn(root, { count, mass, withheld, rest, month, picture }, texts) {
  const lines = [say(texts.drawn, { detail: texts.details[picture.detail], count, mass: tonnes(mass) })];
  if (rest.flows && month < 0) lines.push(say(texts.rest, { count: rest.flows, mass: tonnes(rest.mass_t), share: percent(rest.mass_t / (rest.mass_t + mass)) }));
  if (rest.flows && month >= 0) lines.push(texts.restMonth);
  if (withheld) lines.push(say(texts.withheld, { count: withheld }));
  root.querySelector("[data-mf-flows-said]").textContent = lines.join(" ");
}

function percent(share) {
  return new Intl.NumberFormat(document.documentElement.lang || "nb", { style: "percent", maximumFractionDigits: 1 }).format(share);
}

export function drawScales(root, { ribbon, ring }, texts) {
  const list = root.querySelector("[data-mf-flows-scale]");
  const bars = SHARES.map((share) => {
    const width = widthOf(ribbon.top * share, ribbon);
    return sample("rect", { x: 0, y: 12 - width / 2, width: 44, height: width, fill: "#535a5a" }, tonnes(ribbon.top * share));
  });
  const circle = sample("circle", { cx: 22, cy: 12, r: 7, fill: "none", stroke: "#535a5a", "stroke-width": ring.widest }, say(texts.ring, { mass: tonnes(ring.top) }));
  list.replaceChildren(...(ribbon.isUsed ? bars : []), ...(ring.isUsed ? [circle] : []));
}

function sample(name, attributes, text) {
  const drawn = draw("svg", { viewBox: "0 0 44 24", width: 44, height: 24, "aria-hidden": "true", focusable: "false" });
  drawn.append(draw(name, attributes));
  return node("li", "", drawn, text);
}

function draw(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Months 0..n-1, and -1 for all of them. `onMonth` hears which is chosen.
export function timeControl(root, { months, texts, onMonth }) {
  const box = root.querySelector("[data-mf-flowtime]");
  if (!box || months.length < 2) return { totals() {} };
  const range = box.querySelector("input");
  const said = box.querySelector("output");
  const play = box.querySelector("[data-mf-play]");
  const bars = box.querySelector("[data-mf-bars]");
  let timer = null;
  let mayPlay = true;
  box.hidden = false;
  range.max = months.length;

  function choose(value) {
    range.value = value;
    const words = Number(range.value) === 0 ? texts.whole : months[Number(range.value) - 1];
    said.textContent = words;
    range.setAttribute("aria-valuetext", words);
    [...bars.children].forEach((bar, index) => bar.classList.toggle("is-now", index === Number(range.value) - 1));
    onMonth(Number(range.value) - 1);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.setAttribute("aria-pressed", "false");
    play.querySelector("[data-mf-play-text]").textContent = texts.play;
  }

  function start() {
    if (Number(range.value) >= months.length) choose(0);
    play.setAttribute("aria-pressed", "true");
    play.querySelector("[data-mf-play-text]").textContent = texts.pause;
    const step = () => {
      if (Number(range.value) >= months.length) stop();
      else choose(Number(range.value) + 1);
    };
    step();
    timer = setInterval(step, STEP_MS);
  }

  range.addEventListener("input", () => { stop(); choose(range.value); });
  play.addEventListener("click", () => (timer ? stop() : start()));
  return {
    // A bar a month over the place of its step, so that one sees where to stop. Where single months are held back there
    // is nothing to play: the whole period stays, and the words say why.
    totals(masses, hasFlows) {
      const isHeldBack = hasFlows && masses.every((mass) => !mass);
      for (const control of [range, play]) control.disabled = isHeldBack;
      if (isHeldBack) {
        stop();
        if (Number(range.value) !== 0) choose(0);
        said.textContent = texts.monthsHeldBack;
        range.setAttribute("aria-valuetext", texts.monthsHeldBack);
        bars.replaceChildren();
        mayPlay = false;
        return;
      }
      if (!mayPlay) { mayPlay = true; choose(range.value); }
      const most = Math.max(...masses.map((mass) => mass ?? 0), 0);
      bars.setAttribute("viewBox", `0 0 ${months.length} 20`);
      bars.replaceChildren(...months.map((label, index) => {
        const mass = masses[index] ?? 0;
        const height = most > 0 ? (19 * mass) / most : 0;
        const bar = draw("rect", { x: index + 0.58, width: 0.84, y: 20 - height, height, class: "mf-flowtime__bar" });
        const title = draw("title", {});
        title.textContent = masses[index] === null ? label : `${label}: ${tonnes(mass)}`;
        bar.append(title);
        bar.classList.toggle("is-now", index === Number(range.value) - 1);
        bar.addEventListener("click", () => { stop(); choose(index + 1); });
        return bar;
      }));
    },
  };
}

// A layer a kind of facility, each with its box to tick. `features` are fetched when the first is asked for.
export function facilityLayers(map, root, { features, marker }) {
  const layers = new Map();
  let waiting = null;
  for (const box of root.querySelectorAll("[data-mf-facilities]")) {
    const follow = async () => {
      if (box.checked) {
        waiting ??= features();
        const found = await waiting;
        if (!found) { waiting = null; box.checked = false; return; }
        if (!layers.has(box.value)) layers.set(box.value, L.layerGroup(found.filter(({ properties }) => properties.kind === box.value).map(marker)));
      }
      const layer = layers.get(box.value);
      if (layer && box.checked !== map.hasLayer(layer)) (box.checked ? layer.addTo(map) : layer.remove());
    };
    box.disabled = false;
    box.addEventListener("change", follow);
    if (box.checked) follow();
  }
}
