// The box that moves the map to a place: a combobox over /geocode. Without JavaScript the box is part of the form.

import { node, prefersLessMotion, say, tell } from "./map.js";

const WAIT_MS = 250;
const SHORTEST = 2;

export function addPlaceSearch(map, { inputId, url, texts }) {
  const input = document.getElementById(inputId);
  if (!input) return;
  const list = document.getElementById(`${inputId}-places`);
  const status = document.getElementById(`${inputId}-status`);
  let places = [];
  let active = -1;
  let timer = null;
  let pending = null;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("autocomplete", "off");
  close();

  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (places.length === 0) status.textContent = "";
    if (input.value.trim().length < SHORTEST) close();
    else timer = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (places.length) mark((active + (event.key === "ArrowDown" ? 1 : -1) + places.length) % places.length);
    } else if (event.key === "Enter" && places.length) {
      event.preventDefault();
      choose(Math.max(active, 0));
    } else if (event.key === "Enter" && input.value.trim().length >= SHORTEST && !input.form?.hasAttribute("data-mf-place-submits")) {
      event.preventDefault();
      ask().then(() => places.length && choose(0));
    } else if (event.key === "Escape") {
      close();
    }
  });
  input.addEventListener("blur", () => setTimeout(close, 150));

  async function ask() {
    pending?.abort();
    pending = new AbortController();
    const middle = map.getCenter();
    const address = new URL(url, location.href);
    address.searchParams.set("q", input.value.trim());
    address.searchParams.set("near", `${middle.lng.toFixed(3)},${middle.lat.toFixed(3)}`);
    try {
      const answer = await fetch(address, { signal: pending.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      places = await answer.json();
    } catch (error) {
      if (error.name === "AbortError") return;
      places = [];
      said(texts.failed);
      close();
      return;
    }
    show();
  }

  function show() {
    active = -1;
    list.replaceChildren(...places.map((place, index) => {
      const option = node("li", "mf-places__place", place.label);
      option.id = `${list.id}-${index}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      // Chosen when the press ends: a list that goes away under a finger hands the press to the button below it.
      option.addEventListener("mousedown", (event) => event.preventDefault());
      option.addEventListener("click", () => choose(index));
      return option;
    }));
    list.hidden = places.length === 0;
    input.setAttribute("aria-expanded", String(places.length > 0));
    said(places.length ? say(texts.found, { count: places.length }) : texts.none);
  }

  // Those who see the list need not read how long it is; that there is none they must.
  function said(text) {
    status.textContent = text;
    status.classList.toggle("ds-sr-only", places.length > 0);
  }

  function mark(index) {
    active = index;
    [...list.children].forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === index));
      if (i === index) option.scrollIntoView({ block: "nearest" });
    });
    input.setAttribute("aria-activedescendant", `${list.id}-${index}`);
  }

  function choose(index) {
    const place = places[index];
    if (!place) return;
    input.value = place.label;
    close();
    const animate = !prefersLessMotion();
    map.mfMoveByProgram(() => {
      if (place.bbox) map.fitBounds([[place.bbox[1], place.bbox[0]], [place.bbox[3], place.bbox[2]]], { animate, maxZoom: 14 });
      else map.setView([place.lat, place.lon], place.kind === "address" ? 16 : 12, { animate });
    });
    tell("mf:place-chosen", place);
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
}
