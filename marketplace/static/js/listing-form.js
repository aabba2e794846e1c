// Posting a listing: the tonnes while one types, the material's own density and fraction as examples, and the period of
// the project that is chosen. The form works without any of it; what counts is worked out by the server.

import { density, number, readNumber } from "./amounts.js";

const form = document.querySelector("[data-mf-listing-form]");
const amount = form.querySelector("[data-mf-amount]");
const mass = form.querySelector("[data-mf-mass]");

function chosen(name) {
  return form.querySelector(`input[name="${name}"]:checked`);
}

function usualDensity() {
  const state = chosen("entered_unit")?.value.replace("m3_", "");
  const known = state && chosen("material_key")?.getAttribute(`data-density-${state}`);
  return known ? Number(known) : null;
}

function showMass() {
  const isVolume = chosen("entered_unit")?.value !== "t";
  const usual = usualDensity();
  const field = form.elements.density_t_m3;
  field.placeholder = usual ? density.format(usual) : "";
  const entered = readNumber(form.elements.entered_value.value);
  const perCubicMetre = field.value.trim() ? readNumber(field.value, { grouped: false }) : usual;
  if (!isVolume || !entered || !perCubicMetre) {
    mass.textContent = "";
    return;
  }
  const tonnes = amount.dataset.text.replace("{mass}", `${number.format(entered * perCubicMetre)}\u00a0t`);
  mass.textContent = `${tonnes} ${amount.dataset.densityText.replace("{density}", density.format(perCubicMetre))}`;
}

function showFraction() {
  const typical = chosen("material_key")?.dataset.fraction;
  form.elements.fraction.placeholder = typical ?? "";
}

// The period goes with the project until somebody has set it by hand.
const dates = [form.elements.available_from, form.elements.available_to];
let isOwnPeriod = form.elements.version.value !== "" || document.querySelector(".mf-errors") !== null;
for (const input of dates) input.addEventListener("change", () => { isOwnPeriod = true; });

function takePeriod() {
  const { from, to } = form.elements.project_id.selectedOptions?.[0]?.dataset ?? {};
  const today = new Date().toLocaleDateString("sv-SE");
  if (isOwnPeriod || !to || to < today) return;
  [dates[0].value, dates[1].value] = [from > today ? from : today, to];
}

form.addEventListener("input", showMass);
form.addEventListener("change", ({ target }) => {
  if (target.name === "material_key") showFraction();
  if (target.name === "project_id") takePeriod();
});
addEventListener("pageshow", () => {
  showMass();
  showFraction();
});
