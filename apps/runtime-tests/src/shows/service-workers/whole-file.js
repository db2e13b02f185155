// Keeps whole files, and gives them as answers to requests for parts.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "GET") return;
  const answer = async () => {
    const cache = await caches.open(location.pathname);
    const kept = await cache.match(url);
    if (kept !== undefined) return kept;
    const fresh = await fetch(url);
    await cache.put(url, fresh.clone());
    return fresh;
  };
  event.respondWith(answer());
});
