// Small improvements on every page. Everything here also works without it.

document.documentElement.classList.add("js");

// The error summary takes the focus, so that a screen reader starts there and the keyboard is near the first link.
document.querySelector("[data-mf-autofocus]")?.focus();

// Menus close on Escape and on a click elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-mf-menu][open]")) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-mf-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A form that changes something asks first: <form data-mf-confirm="Close the listing?">.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = form.dataset.mfConfirm;
  if (!question || form.dataset.mfConfirmed) return;
  event.preventDefault();
  ask(question, event.submitter?.textContent.trim() || "OK").then((agreed) => {
    if (!agreed) return;
    form.dataset.mfConfirmed = "yes";
    form.requestSubmit(event.submitter);
  });
});

function ask(question, yes) {
  const no = document.body.dataset.mfCancel;
  const dialog = document.createElement("dialog");
  dialog.className = "mf-dialog";
  const text = document.createElement("p");
  text.id = "mf-dialog-text";
  text.textContent = question;
  const buttons = document.createElement("div");
  buttons.className = "mf-buttonrow";
  for (const [label, value, variant] of [[yes, "yes", "primary"], [no, "no", "secondary"]]) {
    const button = document.createElement("button");
    button.className = "ds-button";
    button.dataset.variant = variant;
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => dialog.close(value));
    buttons.append(button);
  }
  dialog.setAttribute("aria-labelledby", text.id);
  dialog.append(text, buttons);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

// A form is sent once: the second press of an impatient thumb is ignored, until the page is shown again.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.mfSent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.mfSent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-mf-sent]")) delete form.dataset.mfSent;
});

// A field that was typed into while its page asked for it anew stays as it is.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const sent = detail.requestConfig.parameters;
  const isTypedInto = [...detail.target.querySelectorAll("input[name]")].some(({ name, value }) => sent[name] !== undefined && sent[name] !== value);
  if (isTypedInto) detail.shouldSwap = false;
});

// Whoever has a page before them has seen what stands on it: the form that says so sends itself.
function sendSeen() {
  if (document.visibilityState !== "visible") return;
  for (const form of document.querySelectorAll("form[data-mf-seen]")) {
    fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual", keepalive: true }).then((answer) => {
      if (answer.type === "opaqueredirect") form.remove();
    }, () => {}); // without a network the button stays
    delete form.dataset.mfSeen;
  }
}
sendSeen();
document.addEventListener("visibilitychange", sendSeen);
