// What most tutorials show: whatever was answered once is kept, and answered again.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const answer = async () => {
    const cache = await caches.open(location.pathname);
    const kept = await cache.match(event.request);
    if (kept !== undefined) return kept;
    const fresh = await fetch(event.request);
    await cache.put(event.request, fresh.clone());
    return fresh;
  };
  event.respondWith(answer());
});
