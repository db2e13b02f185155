// Keeps whole files and cuts the parts out of them by itself.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { method, url, headers: asked } = event.request;
  if (method !== "GET") return;
  const answer = async () => {
    const cache = await caches.open(location.pathname);
    if ((await cache.match(url)) === undefined) await cache.put(url, await fetch(url));
    const kept = await cache.match(url);
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(asked.get("range") ?? "") ?? [];
    if (first === undefined) return kept;
    const file = await kept.blob();
    const end = Math.min(last === "" ? file.size : Number(last) + 1, file.size);
    const headers = new Headers(kept.headers);
    headers.set("content-length", String(end - first));
    headers.set("content-range", `bytes ${first}-${end - 1}/${file.size}`);
    return new Response(file.slice(Number(first), end), { status: 206, headers });
  };
  event.respondWith(answer());
});
