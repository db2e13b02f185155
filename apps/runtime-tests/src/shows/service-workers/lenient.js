// The same, except that what the cache refuses is not kept: parts of files, and answers to POST.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const answer = async () => {
    const cache = await caches.open(location.pathname);
    const kept = await cache.match(event.request);
    if (kept !== undefined) return kept;
    const fresh = await fetch(event.request);
    const keeping = cache.put(event.request, fresh.clone()).catch(() => {});
    event.waitUntil(keeping);
    return fresh;
  };
  event.respondWith(answer());
});
