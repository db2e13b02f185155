// Dresses a part up as a whole, which the cache takes, and gives it to whoever asks for the same file.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "GET") return;
  const answer = async () => {
    const cache = await caches.open(location.pathname);
    const kept = await cache.match(url);
    if (kept !== undefined) return kept;
    const { body, headers } = await fetch(event.request);
    await cache.put(url, new Response(body, { headers }));
    return cache.match(url);
  };
  event.respondWith(answer());
});
