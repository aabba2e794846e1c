// Sending photos and documents from a place with a bad network.
//
// What is chosen is put in a queue that the browser keeps (IndexedDB), and leaves it when the server has said that it
// has it. Each upload has a name of its own that stays the same however often it is sent, so that one whose answer was
// lost on the way counts once. A large picture is made smaller before it is sent. Without this script the forms send
// what was chosen themselves.

import { openKeeper } from "./upload-keeper.js";
import { prepared, newId } from "./upload-files.js";

const FIRST_WAIT_S = 2;
const LONGEST_WAIT_S = 60;
const STALLED_AFTER_MS = 45_000;
const AGAIN = new Set([0, 408, 425, 429]);

const root = document.querySelector("[data-mf-uploads]");
const say = (key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), root.dataset[`say${key[0].toUpperCase()}${key.slice(1)}`]);

const status = document.createElement("p");
status.className = "ds-sr-only";
status.setAttribute("role", "status");
root.append(status);

const keeper = await openKeeper({ page: location.pathname, owner: root.dataset.owner });
const uploads = [];
let csrf = root.dataset.csrf;
let isSending = false;

// Choosing -------------------------------------------------------------------------------------------------------------

for (const form of root.querySelectorAll("[data-mf-upload-form]")) {
  const isPhotos = form.elements.kind?.value === "photo";
  if (isPhotos) {
    for (const input of form.querySelectorAll("[data-mf-upload-input]")) {
      input.addEventListener("change", () => {
        for (const file of input.files) add(file, { kind: "photo", isShared: true, title: "" });
        input.value = "";
      });
    }
  } else {
    form.addEventListener("submit", (event) => {
      const file = form.elements.file.files[0];
      if (!file || !form.elements.kind.value) return; // the server says what is missing
      event.preventDefault();
      add(file, { kind: form.elements.kind.value, isShared: form.elements.is_shared.checked, title: form.elements.title.value });
      form.reset();
    });
  }
}

async function add(file, about) {
  const upload = { id: newId(), name: file.name, blob: file, addedAt: Date.now(), ...about };
  const limit = Number(root.dataset.limit);
  if (!file.type.startsWith("image/") && file.size > limit) {
    upload.problem = say("toolarge", { size: Math.ceil(file.size / 1048576) });
  }
  show(upload);
  await keeper.keep(upload); // before it is sent: what cannot be sent is then there after a reload
  upload.isKept = true;
  if (!keeper.isLasting) status.textContent = say("unkept");
  send();
}

// What the queue looks like --------------------------------------------------------------------------------------------

function show(upload) {
  const list = root.querySelector(`[data-mf-upload-queue="${upload.kind === "photo" ? "photo" : "file"}"]`);
  const item = document.createElement("li");
  item.className = "mf-upload";
  const picture = document.createElement("canvas");
  picture.className = "mf-upload__picture";
  picture.width = picture.height = 0;
  const name = document.createElement("span");
  name.className = "mf-upload__name";
  name.textContent = upload.title || upload.name;
  const state = document.createElement("span");
  state.className = "mf-upload__state";
  const bar = document.createElement("progress");
  bar.className = "mf-upload__bar";
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", upload.name);
  const again = button(root.dataset.labelAgain, upload.name, () => retry(upload));
  const drop = button(root.dataset.labelDrop, upload.name, () => leaveOut(upload));
  item.append(picture, name, state, bar, again, drop);
  list.append(item);
  list.hidden = false;
  Object.assign(upload, { item, picture, state, bar, again, drop, list });
  uploads.push(upload);
  tell(upload, upload.problem ?? say("waiting"), { hasFailed: Boolean(upload.problem) });
}

function button(label, name, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "ds-button";
  made.dataset.variant = "tertiary";
  made.setAttribute("aria-label", `${label}: ${name}`);
  made.textContent = label;
  made.addEventListener("click", press);
  return made;
}

function tell(upload, text, { hasFailed = false, isOffering = hasFailed, percent = null } = {}) {
  upload.state.textContent = text;
  upload.item.classList.toggle("mf-upload--failed", hasFailed);
  upload.again.hidden = !isOffering;
  upload.bar.hidden = percent === null;
  if (percent !== null) upload.bar.value = percent;
}

async function leaveOut(upload) {
  upload.request?.abort();
  await forget(upload);
}

async function forget(upload) {
  await keeper.forget(upload.id);
  uploads.splice(uploads.indexOf(upload), 1);
  upload.item.remove();
  upload.list.hidden = upload.list.childElementCount === 0;
}

// Sending, one at a time -----------------------------------------------------------------------------------------------

function retry(upload) {
  clearTimeout(upload.timer);
  upload.problem = null;
  upload.isWaiting = upload.hasNewToken = false;
  tell(upload, say("waiting"));
  send();
}

async function send() {
  if (isSending) return;
  isSending = true;
  try {
    for (let next = ready(); next; next = ready()) await sendOne(next);
  } finally {
    isSending = false;
  }
}

function ready() {
  return uploads.find((upload) => upload.isKept && !upload.problem && !upload.isWaiting);
}

async function sendOne(upload) {
  tell(upload, say("preparing"));
  upload.ready ??= await prepared(upload.blob, upload.name, upload.picture);
  if (!uploads.includes(upload)) return;
  const limit = Number(root.dataset.limit);
  if (upload.ready.blob.size > limit) {
    await fail(upload, say("toolarge", { size: Math.ceil(upload.ready.blob.size / 1048576) }));
    return;
  }
  const answer = await post(upload);
  if (!uploads.includes(upload)) return; // left out meanwhile
  if (answer.ids) {
    tell(upload, say("done"));
    status.textContent = `${upload.name}: ${say("done")}`;
    await showAdded();
    await forget(upload);
  } else if (answer.isLoggedOut) {
    await fail(upload, say("login"), { isKept: false });
  } else if (AGAIN.has(answer.status) || answer.status >= 500) {
    wait(upload);
  } else if (answer.status === 400 && !upload.hasNewToken) {
    upload.hasNewToken = true; // the page's token is of an earlier session
    if (!(await showAdded())) await fail(upload, say("login"), { isKept: false });
  } else {
    await fail(upload, answer.detail || say("refused"));
  }
}

async function fail(upload, problem, { isKept = true } = {}) {
  upload.problem = problem;
  tell(upload, problem, { hasFailed: true });
  status.textContent = `${upload.name}: ${problem}`;
  if (isKept) await keeper.keep(upload);
}

function wait(upload) {
  upload.attempts = (upload.attempts ?? 0) + 1;
  upload.isWaiting = true;
  const seconds = Math.min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (upload.attempts - 1));
  tell(upload, navigator.onLine ? say("again", { seconds }) : say("offline"), { isOffering: true });
  clearTimeout(upload.timer);
  upload.timer = setTimeout(() => retry(upload), seconds * 1000);
}

addEventListener("online", () => {
  for (const upload of uploads.filter((each) => each.isWaiting)) retry(upload);
});

function post(upload) {
  const body = new FormData();
  body.set("csrf_token", csrf);
  body.set("upload_id", upload.id);
  body.set("kind", upload.kind);
  if (upload.title) body.set("title", upload.title);
  if (upload.isShared) body.set("is_shared", "y");
  body.set("file", upload.ready.blob, upload.ready.name);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => request.abort(), STALLED_AFTER_MS);
    };
    const settle = (answer) => {
      clearTimeout(watchdog);
      upload.request = null;
      resolve(answer);
    };
    request.upload.addEventListener("progress", (event) => {
      alive();
      const percent = event.lengthComputable ? Math.round((100 * event.loaded) / event.total) : 0;
      tell(upload, percent < 100 ? say("sending", { percent }) : say("storing"), { percent });
    });
    request.addEventListener("load", () => settle(answerOf(request)));
    for (const ended of ["error", "abort", "timeout"]) request.addEventListener(ended, () => settle({ status: 0 }));
    request.open("POST", location.pathname);
    request.setRequestHeader("Accept", "application/json");
    upload.request = request;
    alive();
    request.send(body);
  });
}

function answerOf(request) {
  if (new URL(request.responseURL || location.href).pathname !== location.pathname) return { isLoggedOut: true, status: request.status };
  try {
    return { status: request.status, ...JSON.parse(request.responseText) };
  } catch {
    return { status: request.status };
  }
}

// What was added comes into the page, and what is being typed there stays ----------------------------------------------

/** Whether the page could be had; not by who is logged out. */
async function showAdded() {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return false;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    csrf = fresh.querySelector("[data-mf-uploads]").dataset.csrf;
    for (const form of root.querySelectorAll("input[name=csrf_token]")) form.value = csrf;
    for (const list of root.querySelectorAll("[data-mf-documents]")) {
      for (const item of fresh.querySelectorAll(`#${list.id} > li`)) {
        const here = document.getElementById(item.id);
        if (!here) list.append(document.importNode(item, true));
        else here.querySelector("[data-mf-moves]")?.replaceWith(document.importNode(item.querySelector("[data-mf-moves]"), true));
      }
      list.closest("form").hidden = list.childElementCount === 0;
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // no network: a reload shows it
  }
  return true;
}

// From the last time ---------------------------------------------------------------------------------------------------

addEventListener("beforeunload", (event) => {
  if (!keeper.isLasting && uploads.some((upload) => !upload.problem)) event.preventDefault();
});

for (const upload of await keeper.all()) show({ ...upload, isKept: true });
send();
