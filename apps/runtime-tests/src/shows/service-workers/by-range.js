// Keeps every part under a name of its own and gives it as the part that it was, however old.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { method, url, headers: asked } = event.request;
  if (method !== "GET") return;
  const answer = async () => {
    const cache = await caches.open(location.pathname);
    const name = `${url}?range=${asked.get("range")}`;
    if ((await cache.match(name)) === undefined) {
      const { body, headers, status } = await fetch(event.request);
      const marked = new Headers(headers);
      marked.set("x-status", String(status));
      await cache.put(name, new Response(body, { headers: marked }));
    }
    const { body, headers } = await cache.match(name);
    return new Response(body, { status: Number(headers.get("x-status")), headers });
  };
  event.respondWith(answer());
});
