// Tickets that wait on a phone, and the one way in which they are sent; for a gate's page and for its service worker.
//
// A ticket is written here before anything else happens to it, and stays until the server has said what became of it.
// It has a name of its own that never changes, so that one whose answer was lost on the way counts once. What the
// server refuses stays here with the reason, for whoever stands at the gate to put right.
//
// A classic script, since service workers that are modules are not known everywhere.

"use strict";

self.gateOutbox = (() => {
  const DATABASE = "masseflyt-gate";
  const STORE = "tickets";
  const LOCK = "masseflyt-gate-sending";
  const CHANNEL = "masseflyt-gate";
  const SYNC = "masseflyt-gate-tickets";
  const STALLED_AFTER_MS = 60_000;
  const SHOWN_FOR_MS = 3 * 24 * 60 * 60 * 1000;
  const AGAIN = new Set([408, 425, 429]);

  const channel = "BroadcastChannel" in self ? new BroadcastChannel(CHANNEL) : null;
  const inMemory = new Map();
  let opening = null;
  let isLasting = true;

  function opened() {
    opening ??= new Promise((resolve) => {
      let request;
      try {
        request = indexedDB.open(DATABASE, 1);
      } catch {
        resolve(null);
        return;
      }
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = request.onblocked = () => resolve(null);
    });
    return opening;
  }

  async function run(mode, work) {
    const database = await opened();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, mode === "readwrite" ? { durability: "strict" } : {});
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }

  /** Keep a ticket: {key, page, fields, slip, state, addedAt}. Whether it outlives the page. */
  async function keep(ticket) {
    if (isLasting && (await opened())) {
      try {
        await run("readwrite", (store) => store.put(ticket));
        inMemory.delete(ticket.key);
        return true;
      } catch {
        isLasting = false; // the phone is full, or the window is a private one
      }
    }
    isLasting = false;
    inMemory.set(ticket.key, ticket);
    return false;
  }

  async function forget(key) {
    inMemory.delete(key);
    if (await opened()) await run("readwrite", (store) => store.delete(key));
  }

  /** All that is kept, the oldest first; of one page where it is named. What was sent long ago is forgotten. */
  async function all(page = null) {
    const kept = (await opened()) ? await run("readonly", (store) => store.getAll()) : [];
    const found = [];
    for (const ticket of [...kept, ...inMemory.values()]) {
      if (ticket.state === "sent" && Date.now() - ticket.settledAt > SHOWN_FOR_MS) await forget(ticket.key);
      else if (page === null || ticket.page === page) found.push(ticket);
    }
    return found.sort((a, b) => a.addedAt - b.addedAt);
  }

  /** Send what waits, one after the other; how long to wait (ms) before the next try, or null when nothing waits. */
  function sendAll() {
    const work = async () => {
      let wait = null;
      for (const ticket of await all()) {
        if (ticket.state !== "waiting") continue;
        tell("sending", ticket.key);
        const answer = await post(ticket);
        if (answer.isLost) {
          wait = Math.max(wait ?? 0, answer.retryAfterMs ?? 0);
          await settle(ticket.key, { attempts: (ticket.attempts ?? 0) + 1 });
          if (!answer.retryAfterMs && answer.status === 0) break; // no network: the others would not get through either
        } else {
          await settle(ticket.key, { ...answer, settledAt: Date.now() });
        }
      }
      return wait;
    };
    return self.navigator.locks ? navigator.locks.request(LOCK, work) : work();
  }

  /** What came of a sending, unless the ticket was removed or changed on the phone meanwhile. */
  async function settle(key, changes) {
    const ticket = (await all()).find((each) => each.key === key);
    if (!ticket || ticket.state !== "waiting") return;
    const settled = { ...ticket, ...changes };
    if (settled.state === "sent") settled.slip = null; // the server has the photo now
    await keep(settled);
    tell("changed", key);
  }

  async function post(ticket) {
    const body = new FormData();
    for (const [name, value] of Object.entries(ticket.fields)) body.set(name, value);
    body.set("client_key", ticket.key);
    if (ticket.slip) body.set("slip", ticket.slip.blob, ticket.slip.name);
    let response;
    try {
      response = await fetch(ticket.page, {
        method: "POST",
        body,
        credentials: "same-origin",
        headers: { Accept: "application/json" },
        redirect: "error",
        signal: AbortSignal.timeout ? AbortSignal.timeout(STALLED_AFTER_MS) : undefined,
      });
    } catch {
      return { isLost: true, status: 0 };
    }
    return read(response);
  }

  /** Only an answer of ours settles a ticket: a log-in page of somebody's wireless network does not. */
  async function read(response) {
    const lost = { isLost: true, status: response.status };
    if (AGAIN.has(response.status) || response.status >= 500) {
      return { ...lost, retryAfterMs: 1000 * (Number(response.headers.get("Retry-After")) || 0) };
    }
    if (!/\bjson\b/.test(response.headers.get("Content-Type") ?? "")) return lost;
    let said;
    try {
      said = await response.json();
    } catch {
      return lost;
    }
    if (response.ok && typeof said.number === "string") {
      return { state: "sent", number: said.number, isNew: said.is_new, reason: "", errors: {} };
    }
    if (response.status >= 400) {
      return { state: "refused", reason: said.detail ?? "", errors: said.errors ?? {}, isClosed: said.closed === true };
    }
    return lost;
  }

  function tell(what, key) {
    channel?.postMessage({ what, key });
    self.dispatchEvent?.(new CustomEvent("gate-outbox", { detail: { what, key } }));
  }

  return { SYNC, channel, keep, forget, all, sendAll, isLasting: () => isLasting };
})();
