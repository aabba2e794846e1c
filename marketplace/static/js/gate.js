// A gate's page: tickets go by way of the phone's own memory (gate-outbox.js), so that a bad network loses none.
//
// Without this script the form sends each ticket itself.

import { prepared, newId } from "./upload-files.js";

const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;
const HEAVIEST_T = 200;
const UNUSUAL_T = 60; // more than this is mostly a comma that was forgotten
const LARGEST_PHOTO_BYTES = 26_214_400;
const CLOCK_EVERY_MS = 20_000;
const NUMBER = /^\d{1,3}(?:[ \u00a0\u202f]?\d{3})*(?:[.,]\d+)?$|^\d+(?:[.,]\d+)?$/;
const DECIMAL_SIGN = document.documentElement.lang === "en" ? "." : ",";
const UNCLEAR = /^([1-9]\d{0,2})([.,])(\d{3})$/; // as the server reads it: twelve, or twelve thousand
const BETWEEN = /[\s.\-\u2010-\u2015·]+/g;
const REGISTRATION = /^[0-9A-ZÀ-ÖØ-Þ]{2,12}$/;
const CLOCKS_DIFFER_MINUTES = 15;
const PICTURES = new Set(["image/jpeg", "image/png", "image/webp"]);
const REMEMBERED = "masseflyt-gate";
const CACHE = "masseflyt-gate";
const MARKS = { waiting: "…", sent: "✓", refused: "!" };

const root = document.querySelector("[data-mf-gate]");
const form = document.querySelector("[data-mf-gate-form]");
const list = root.querySelector("[data-mf-gate-list]");
const summary = root.querySelector("[data-mf-gate-status]");
const offline = document.querySelector("[data-mf-gate-offline]");
const outbox = window.gateOutbox;
const page = location.pathname;

const say = (key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), root.dataset[`say${key[0].toUpperCase()}${key.slice(1)}`]);

let sendingKey = null;
let failures = 0;
let timer = null;
let changedKey = null; // the ticket that is being changed, which keeps its name
let keptSlip = null; // its photo, which a file input cannot be given
let isTimeChosen = Boolean(form?.querySelector("[aria-invalid]")); // what came back with errors stays as it was typed

// Filling in -----------------------------------------------------------------------------------------------------------

if (form) {
  remember();
  tick();
  setInterval(tick, CLOCK_EVERY_MS);
  form.elements.loaded_at.addEventListener("input", () => (isTimeChosen = true));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.mfBusy) return;
    form.dataset.mfBusy = "yes";
    try {
      await take();
    } finally {
      delete form.dataset.mfBusy;
    }
  });
}

async function take() {
  if (!isFilledIn()) return;
  const mass = form.elements.mass_t.value.trim();
  if (tonnes(mass) > UNUSUAL_T && !confirm(root.dataset.askHeavy.replace("{mass}", mass))) return;
  const file = form.elements.slip.files[0];
  let slip = file ? await slipOf(file) : keptSlip;
  if (slip === undefined) return;
  slip = slip ?? null;
  const ticket = {
    key: changedKey ?? newId(),
    page,
    fields: Object.fromEntries(["number", "mass_t", "measure", "vehicle_registration", "loaded_at", "carrier", "note"].map((name) => [name, form.elements[name].value])),
    slip,
    state: "waiting",
    addedAt: Date.now(),
  };
  await outbox.keep(ticket);
  if (!outbox.isLasting()) summary.textContent = say("unkept");
  localMemory({ carrier: ticket.fields.carrier, measure: ticket.fields.measure });
  empty();
  await show();
  root.scrollIntoView({ block: "nearest" });
  askForSync();
  send();
}

/** The photo made ready to be sent; undefined where it is too large even so. */
async function slipOf(file) {
  const { blob, name } = await prepared(file, file.name, document.createElement("canvas"));
  if (blob.type && !PICTURES.has(blob.type)) {
    complain(form.elements.slip, say("nopicture"));
    form.elements.slip.focus();
    return undefined;
  }
  if (blob.size <= LARGEST_PHOTO_BYTES) return { blob, name };
  complain(form.elements.slip, say("toolarge", { size: Math.ceil(blob.size / 1048576) }));
  return undefined;
}

function isFilledIn() {
  for (const message of form.querySelectorAll("[data-mf-gate-error]")) message.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  form.querySelector(".mf-errors")?.remove();
  for (const message of form.querySelectorAll("[data-field=validation]")) message.remove();
  const wrong = [];
  for (const name of ["mass_t", "measure", "vehicle_registration", "loaded_at"]) {
    if (!form.elements[name].value.trim()) wrong.push([name, say("missing")]);
  }
  const mass = form.elements.mass_t.value.trim();
  const unclear = UNCLEAR.exec(mass);
  if (unclear && unclear[2] !== DECIMAL_SIGN) wrong.unshift(["mass_t", twoWays(mass, unclear)]);
  else if (mass && !NUMBER.test(mass)) wrong.unshift(["mass_t", say("nonumber")]);
  else if (mass && !(tonnes(mass) > 0 && tonnes(mass) <= HEAVIEST_T)) wrong.unshift(["mass_t", say("toomuch")]);
  const vehicle = form.elements.vehicle_registration.value.trim();
  if (vehicle && !REGISTRATION.test(vehicle.toUpperCase().replace(BETWEEN, ""))) wrong.push(["vehicle_registration", say("novehicle")]);
  const time = form.elements.loaded_at.value.trim();
  if (time && isToCome(time)) wrong.push(["loaded_at", say("tocome")]);
  for (const [name, text] of wrong) complain(form.elements[name], text);
  if (wrong.length) firstOf(form.elements[wrong[0][0]]).focus();
  return wrong.length === 0;
}

/** How to write each of the two numbers that the text may be. */
function twoWays(typed, [, whole, , decimals]) {
  return say("twoways", { typed, thousands: whole + decimals, parts: `${whole}${DECIMAL_SIGN}${decimals.replace(/0+$/, "") || "0"}` });
}

/** Whether the time lies ahead of the phone's own clock, by more than clocks differ. */
function isToCome(time) {
  const [day, clock] = localNow();
  if (form.dataset.day !== day) return form.dataset.day > day;
  return /^\d\d:\d\d/.test(time) && minutes(time) > minutes(clock) + CLOCKS_DIFFER_MINUTES;
}

const minutes = (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
const tonnes = (text) => Number(text.replace(/[ \u00a0\u202f]/g, "").replace(",", "."));
const firstOf = (control) => (control instanceof RadioNodeList ? control[0] : control);

function complain(control, text) {
  const controls = control instanceof RadioNodeList ? [...control] : [control];
  const box = controls[0].closest("fieldset") ?? controls[0].closest(".ds-field");
  const id = `${controls[0].name}-told`;
  const message = document.createElement("p");
  message.id = id;
  message.className = "ds-validation-message";
  message.dataset.mfGateError = "";
  message.setAttribute("role", "alert");
  message.textContent = text;
  box.append(message);
  for (const each of controls) {
    each.setAttribute("aria-invalid", "true");
    each.setAttribute("aria-describedby", id);
  }
}

/** Ready for the next lorry: what is the same for the next one stays. */
function empty() {
  for (const name of ["number", "mass_t", "vehicle_registration", "note", "slip"]) form.elements[name].value = "";
  changedKey = keptSlip = null;
  isTimeChosen = false;
  tick();
  form.elements.mass_t.focus({ preventScroll: true });
}

/** Day and time in Norway by the phone's clock: 2027-03-01, 09:30:00. */
function localNow() {
  return new Date().toLocaleString("sv-SE", { timeZone: "Europe/Oslo" }).split(" ");
}

/** The time is now until somebody chooses another, also on a page that was opened long ago; on the link's own day. */
function tick() {
  const [day, time] = localNow();
  if (!isTimeChosen && day === form.dataset.day) form.elements.loaded_at.value = time.slice(0, 5);
}

function remember() {
  const known = localMemory();
  if (known.carrier && !form.elements.carrier.value) form.elements.carrier.value = known.carrier;
  if (known.measure && !form.elements.measure.value) form.elements.measure.value = known.measure;
}

function localMemory(values = null) {
  try {
    if (values) localStorage.setItem(REMEMBERED, JSON.stringify(values));
    return JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}");
  } catch {
    return {};
  }
}

// Sending --------------------------------------------------------------------------------------------------------------

async function send() {
  clearTimeout(timer);
  const before = await outbox.all(page);
  const wait = await outbox.sendAll();
  const after = await outbox.all(page);
  const hasSent = after.some((ticket) => ticket.state === "sent" && before.some(({ key, state }) => key === ticket.key && state === "waiting"));
  sendingKey = null;
  failures = wait === null ? 0 : failures + 1;
  offline?.toggleAttribute("hidden", navigator.onLine && failures === 0);
  await show();
  if (wait === null) {
    if (hasSent) await showSums();
    return;
  }
  const backOff = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
  timer = setTimeout(send, Math.max(wait, backOff));
}

addEventListener("online", send);
addEventListener("offline", () => {
  offline?.removeAttribute("hidden");
  show();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") send();
});
for (const heard of [outbox.channel, window]) {
  heard?.addEventListener(heard === window ? "gate-outbox" : "message", (event) => {
    const { what, key } = event.data ?? event.detail;
    sendingKey = what === "sending" ? key : null;
    show();
  });
}

/** What came in by this link and what can still come, as the server has it now. */
async function showSums() {
  const sums = document.querySelector("[data-mf-gate-sums]");
  if (!sums) return;
  try {
    const answer = await fetch(page, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-mf-gate-sums]");
    if (fresh) sums.replaceWith(document.importNode(fresh, true));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // the network went again
  }
}

/** Where the browser can, it sends what waits even when this page has been closed. */
async function askForSync() {
  try {
    const registration = await navigator.serviceWorker?.ready;
    await registration?.sync?.register(outbox.SYNC);
  } catch {
    // not allowed here: the page sends when it is open
  }
}

// What the phone keeps --------------------------------------------------------------------------------------------------

let showing = Promise.resolve();

function show() {
  showing = showing.then(async () => {
    const tickets = (await outbox.all(page)).reverse();
    root.hidden = tickets.length === 0;
    const hadFocus = list.contains(document.activeElement) ? document.activeElement.dataset.mfFor : null;
    list.replaceChildren(...tickets.map(itemOf));
    if (hadFocus) list.querySelector(`[data-mf-for="${hadFocus}"]`)?.focus();
    const news = tickets.find((ticket) => ticket.state !== "sent");
    summary.classList.toggle("ds-sr-only", outbox.isLasting());
    summary.textContent = outbox.isLasting() ? (news ? stateOf(news) : (tickets[0] ? stateOf(tickets[0]) : "")) : say("unkept");
  });
  return showing;
}

function itemOf(ticket) {
  const item = document.createElement("li");
  item.className = `mf-gateticket mf-gateticket--${ticket.state}`;
  item.dataset.state = ticket.state;
  const mark = part("mf-gateticket__mark", MARKS[ticket.state]);
  mark.setAttribute("aria-hidden", "true");
  const number = ticket.number ?? ticket.fields.number;
  const { mass_t: mass, vehicle_registration: vehicle, loaded_at: time } = ticket.fields;
  const load = say("load", { mass, vehicle: vehicle.toUpperCase(), time });
  item.append(
    mark,
    part("mf-gateticket__name", number ? say("numbered", { number }) : say("unnumbered")),
    part("mf-gateticket__load", ticket.slip ? `${load}, ${say("photo")}` : load),
    part("mf-gateticket__state", stateOf(ticket)),
    buttonsOf(ticket, number || load),
  );
  return item;
}

function stateOf(ticket) {
  if (ticket.state === "refused") {
    const refused = say("refused", { reason: ticket.reason });
    return ticket.isClosed ? `${refused} ${say("closed")}` : refused;
  }
  if (ticket.state === "sent") return ticket.isNew ? say("sent") : say("known");
  if (ticket.key === sendingKey) return say("sending");
  if (!navigator.onLine) return say("offline");
  return ticket.attempts ? say("again") : say("waiting");
}

function buttonsOf(ticket, name) {
  const buttons = document.createElement("span");
  buttons.className = "mf-gateticket__buttons";
  if (ticket.state === "sent") return buttons;
  if (!ticket.isClosed && ticket.key !== sendingKey && (ticket.state === "refused" || ticket.attempts)) {
    buttons.append(button("again", ticket, name, () => again(ticket)));
  }
  if (ticket.state === "refused") {
    if (form && !ticket.isClosed) buttons.append(button("change", ticket, name, () => change(ticket)));
    buttons.append(button("drop", ticket, name, () => drop(ticket)));
  }
  return buttons;
}

function button(action, ticket, name, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "ds-button";
  made.dataset.variant = "tertiary";
  made.dataset.mfFor = `${action}-${ticket.key}`;
  made.textContent = root.dataset[`label${action[0].toUpperCase()}${action.slice(1)}`];
  made.setAttribute("aria-label", `${made.textContent}: ${name}`);
  made.addEventListener("click", press);
  return made;
}

function part(className, text) {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = text;
  return made;
}

async function again(ticket) {
  await outbox.keep({ ...ticket, state: "waiting", reason: "", errors: {} });
  await show();
  send();
}

/** Back into the form under its own name, beside each field what was said of it. */
async function change(ticket) {
  for (const [name, value] of Object.entries(ticket.fields)) form.elements[name].value = value;
  isTimeChosen = true;
  if (ticket.fields.note) form.querySelector("details").open = true;
  changedKey = ticket.key;
  keptSlip = ticket.errors?.slip ? null : ticket.slip;
  for (const [name, messages] of Object.entries(ticket.errors ?? {})) {
    if (form.elements[name]) complain(form.elements[name], messages.join(" "));
  }
  form.scrollIntoView({ block: "start" });
  form.elements.mass_t.focus({ preventScroll: true });
}

async function drop(ticket) {
  if (!confirm(root.dataset.askDrop)) return;
  await outbox.forget(ticket.key);
  if (changedKey === ticket.key) changedKey = keptSlip = null;
  await show();
}

// The page itself, for when there is no network ------------------------------------------------------------------------

async function keepThisPage() {
  if (!("serviceWorker" in navigator) || !("caches" in window)) return; // not served over TLS
  await navigator.serviceWorker.register(root.dataset.worker);
  if (!form || !navigator.onLine) return;
  const cache = await caches.open(CACHE);
  const parts = performance
    .getEntriesByType("resource")
    .map((entry) => entry.name)
    .filter((name) => name.startsWith(`${location.origin}/static/`));
  await Promise.all([page, ...new Set([...parts, root.dataset.outbox])].map((address) => cache.add(address)));
  const waiting = new Set((await outbox.all()).map((ticket) => ticket.page));
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/gate/") && pathname !== page && !waiting.has(pathname)) await cache.delete(request);
  }
  document.documentElement.dataset.mfKept = "yes";
}

addEventListener("beforeunload", async (event) => {
  if (!outbox.isLasting()) event.preventDefault();
});

await show();
send();
navigator.storage?.persist?.();
try {
  await keepThisPage();
} catch (error) {
  if (!(error instanceof TypeError)) throw error; // no network: it is kept the next time
}
