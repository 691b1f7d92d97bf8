// Keeps the page for when the browser starts before the receiver, or is reloaded while it restarts.
const FILES = ["/", "/page.css", "/page.js", "/font.ttf"];
const asked = (request) => fetch(request).then(async (answer) => {
  if (answer.ok) await (await caches.open("page")).put(request, answer.clone());
  return answer;
});
addEventListener("install", (event) => event.waitUntil(caches.open("page").then((cache) => cache.addAll(FILES)).then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  if (FILES.includes(new URL(event.request.url).pathname)) event.respondWith(asked(event.request).catch(() => caches.match(event.request)));
});
