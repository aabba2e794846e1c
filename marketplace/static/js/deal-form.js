// Terms of a deal: the tonnes while one types a volume, and the quantity and period that go with what is chosen of
// one's own. The form works without any of it; what counts is worked out by the server.

import { density, number, readNumber, sign } from "./amounts.js";

const form = document.querySelector("[data-mf-deal-form]");
const amount = form.querySelector("[data-mf-amount]");
const mass = form.querySelector("[data-mf-mass]");
const choice = form.elements.taking ?? form.elements.surplus_id;

function showMass() {
  const unit = form.querySelector("input[name=entered_unit]:checked")?.value;
  const usual = Number(form.getAttribute(`data-density-${unit?.replace("m3_", "")}`)) || null;
  const field = form.elements.density_t_m3;
  field.placeholder = usual ? density.format(usual) : "";
  const entered = readNumber(form.elements.entered_value.value);
  const perCubicMetre = field.value.trim() ? readNumber(field.value, { grouped: false }) : usual;
  if (!unit || unit === "t" || !entered || !perCubicMetre) {
    mass.textContent = "";
    return;
  }
  const tonnes = amount.dataset.text.replace("{mass}", `${number.format(entered * perCubicMetre)}\u00a0t`);
  mass.textContent = `${tonnes} ${amount.dataset.densityText.replace("{density}", density.format(perCubicMetre))}`;
}

// What was typed by hand stays; the rest follows the choice.
const followers = { entered_value: "mass", starts_on: "from", ends_on: "to", second_entered_value: "mass", second_starts_on: "from" };
const own = new Set();
const isReturned = document.querySelector(".mf-errors") !== null;
for (const name of Object.keys(followers)) form.elements[name]?.addEventListener("input", () => own.add(name));

function follow() {
  const facts = choice.selectedOptions[0]?.dataset ?? {};
  for (const [name, fact] of Object.entries(followers)) {
    const field = form.elements[name];
    if (!field || own.has(name) || isReturned || facts[fact] === undefined) continue;
    field.value = fact === "mass" ? facts.mass.replace(".", sign) : facts[fact];
  }
  showMass();
}

choice?.addEventListener("change", follow);
form.addEventListener("input", showMass);
addEventListener("pageshow", showMass);
