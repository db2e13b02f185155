import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  breaking,
  cutting,
  fetchFrom,
  type Host,
  silent,
  stalling,
  staticHost,
  unreachable,
} from "../src/index.ts";

/** How a host is reached: gives the URL and the `fetch` for it. */
type Reach = (host: Host) => Promise<{ readonly url: string; readonly fetch: typeof fetch }>;

const byDouble: Reach = async (host) => ({ url: "http://host.example/", fetch: fetchFrom(host).fetch });

/** The runtime's own `fetch` and a real socket. */
const bySocket: Reach = async (host) => {
  const server = createServer(async (incoming, outgoing) => {
    const { url = "/", method = "GET", headers } = incoming;
    const asked = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
    try {
      const response = await host(new Request(`http://host.example${url}`, { method, headers: asked }));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.flushHeaders();
      for await (const chunk of response.body ?? []) outgoing.write(chunk);
      outgoing.end();
    } catch {
      outgoing.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, fetch };
};

const file = Uint8Array.from({ length: 50_000 }, (_, at) => at % 251);
const reason = new Error("the reader left");

describe.each([
  ["fetchFrom", byDouble],
  ["the runtime's fetch over a socket", bySocket],
])("a host reached by %s", (_, reach) => {
  it("serves ranges, conditions and the whole file", async () => {
    const { url, fetch } = await reach(staticHost(file));
    const whole = await fetch(url);
    expect(whole.status).toBe(200);
    expect(new Uint8Array(await whole.arrayBuffer())).toEqual(file);
    const etag = whole.headers.get("etag") ?? "";
    const part = await fetch(url, { headers: { range: "bytes=100-199", "if-match": etag } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 100-199/50000"]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(file.slice(100, 200));
    expect((await fetch(url, { headers: { "if-match": '"other"' } })).status).toBe(412);
    const behind = await fetch(url, { headers: { range: "bytes=50000-50001" } });
    expect([behind.status, behind.headers.get("content-range")]).toEqual([416, "bytes */50000"]);
  });

  it("that cannot be reached is a TypeError", async () => {
    const { url, fetch } = await reach(unreachable());
    await expect(fetch(url)).rejects.toThrow(TypeError);
  });

  it("that breaks off breaks the body", async () => {
    const { url, fetch } = await reach(breaking(staticHost(file), 1000));
    const response = await fetch(url);
    await expect(response.arrayBuffer()).rejects.toThrow(TypeError);
  });

  it("that cuts the body off ends it as if it were whole", async () => {
    const { url, fetch } = await reach(cutting(staticHost(file), 1000));
    expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(1000);
  });

  it("that is silent ends with the reason of the abort", async () => {
    const { url, fetch } = await reach(silent());
    const controller = new AbortController();
    const fetching = fetch(url, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(fetching).rejects.toBe(reason);
    await expect(fetch(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("that stalls ends the body with the reason of the abort", async () => {
    const { url, fetch } = await reach(stalling(staticHost(file), 1000));
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    const reader = response.body?.getReader();
    let came = 0;
    while (came < 1000) came += (await reader?.read())?.value?.length ?? 0;
    const next = reader?.read();
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
  });
});

it("fetchFrom tells which answers are open", async () => {
  const { fetch, requests, openAnswers } = fetchFrom(staticHost(file));
  const [read, cancelled, left] = [
    await fetch("http://h/1"),
    await fetch("http://h/2"),
    await fetch("http://h/3"),
  ];
  expect(openAnswers()).toBe(3);
  await read.arrayBuffer();
  await cancelled.body?.cancel();
  expect(openAnswers()).toBe(1);
  expect(requests.map(({ state }) => state)).toEqual(["complete", "cancelled", "open"]);
  await left.body?.cancel();
});
