// Opens a gate's page where there is no network, and sends what waits when there is one again.
//
// It looks after the pages below /gate/ and what they are made of. The network comes first, since a link may have been
// withdrawn; what it does not answer in time is taken from what was kept of it. The page says what is to be kept.

"use strict";

importScripts("/static/js/gate-outbox.js");

const CACHE = "masseflyt-gate";
const PATIENCE_MS = 4_000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  const isPage = request.mode === "navigate" && address.pathname.startsWith("/gate/");
  if (isPage || address.pathname.startsWith("/static/")) event.respondWith(fromNetworkElseKept(event));
});

async function fromNetworkElseKept(event) {
  const { request } = event;
  const kept = await (await caches.open(CACHE)).match(request, { ignoreSearch: request.mode === "navigate", ignoreVary: true });
  const fetched = fetch(request).then(async (response) => {
    if (kept && response.status === 200 && !response.redirected) {
      const copy = response.clone(); // before the browser reads it
      event.waitUntil(caches.open(CACHE).then((cache) => cache.put(plain(request), copy)));
    }
    return response;
  });
  if (!kept) return fetched;
  event.waitUntil(fetched.catch(() => {}));
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
  return Promise.race([fetched.catch(() => kept), patience]);
}

function plain(request) {
  const address = new URL(request.url);
  return request.mode === "navigate" ? address.origin + address.pathname : request.url;
}

self.addEventListener("sync", (event) => {
  if (event.tag === self.gateOutbox.SYNC) event.waitUntil(sendOrTryLater());
});

async function sendOrTryLater() {
  await self.gateOutbox.sendAll();
  const waiting = (await self.gateOutbox.all()).some((ticket) => ticket.state === "waiting");
  if (waiting) throw new Error("not all got through"); // the browser then tries again later
}
