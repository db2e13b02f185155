import { setTimeout as delay } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type NetworkProfile, simulatedNetwork } from "../src/network/simulated-network.ts";

const URL_OF_TEST = "http://simulated.test/";

/** 8 Mbit/s are 1000 bytes a millisecond; without headers the arithmetic is easy. */
const PLAIN: NetworkProfile = { rttMs: 20, bandwidthBitsPerSecond: 8_000_000, requestOverheadBytes: 0 };

/** Answers `GET /N` with N bytes, and `POST` with the body it was sent. */
function echo(request: Request): Response {
  const size = Number(new URL(request.url).pathname.slice(1));
  return new Response(request.method === "POST" ? request.body : new Uint8Array(size));
}

async function download(network: { fetch: typeof fetch }, size: number): Promise<number> {
  const response = await network.fetch(`${URL_OF_TEST}${size}`);
  return (await response.arrayBuffer()).byteLength;
}

describe("the simulated network", () => {
  it("takes one round trip for an answer of no size", async () => {
    const network = simulatedNetwork(PLAIN, echo);
    await download(network, 0);
    expect(network.nowMs()).toBe(20);
    await download(network, 0);
    expect(network.nowMs()).toBe(40);
  });

  it("takes the time that the bytes need on the link, both ways", async () => {
    const network = simulatedNetwork(PLAIN, echo);
    expect(await download(network, 1_000_000)).toBe(1_000_000);
    expect(network.nowMs()).toBeCloseTo(1020, 6);
    const response = await network.fetch(URL_OF_TEST, { method: "POST", body: new Uint8Array(5000) });
    await response.arrayBuffer();
    expect(network.nowMs()).toBeCloseTo(1020 + 5 + 20 + 5, 6);
    expect(network.traffic()).toMatchObject({ requests: 2, sentBytes: 5000, receivedBytes: 1_005_000 });
  });

  it("charges the headers of every request and answer", async () => {
    const network = simulatedNetwork({ ...PLAIN, requestOverheadBytes: 1000 }, echo);
    await download(network, 0);
    expect(network.nowMs()).toBeCloseTo(22, 6);
    expect(network.traffic()).toMatchObject({ sentBytes: 0, receivedBytes: 0 });
  });

  it("shares the link evenly among answers", async () => {
    const network = simulatedNetwork(PLAIN, echo);
    const ends = await Promise.all(
      [1_000_000, 1_000_000, 40_960].map(async (size) => {
        await download(network, size);
        return network.nowMs();
      }),
    );
    const [first = 0, second = 0] = ends;
    expect(Math.max(first, second)).toBeCloseTo(20 + 2040.96, 6);
    expect(Math.abs(first - second)).toBeLessThan(4.096);
    // Ten turns of its own among thirty.
    expect(ends[2]).toBeCloseTo(20 + 3 * 40.96, -1);
  });

  it("lets the distance of requests sent together pass only once", async () => {
    const network = simulatedNetwork(PLAIN, echo);
    await Promise.all(Array.from({ length: 10 }, () => download(network, 0)));
    expect(network.nowMs()).toBe(20);
    expect(network.traffic()).toMatchObject({ requests: 10, roundTrips: 1 });
  });

  it("counts a chain of requests as round trips", async () => {
    const network = simulatedNetwork(PLAIN, echo);
    await Promise.all([download(network, 1000), download(network, 2000)]);
    await Promise.all([download(network, 0), download(network, 0)]);
    await download(network, 0);
    expect(network.traffic()).toMatchObject({ requests: 5, roundTrips: 3 });
  });

  it("delivers bytes while later ones are on their way", async () => {
    const network = simulatedNetwork(PLAIN, echo);
    const response = await network.fetch(`${URL_OF_TEST}100000`);
    const times: number[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      times.push(network.nowMs());
    }
    expect(size).toBe(100_000);
    expect(times[0]).toBeCloseTo(20 + 4.096, 6);
    expect(times.at(-1)).toBeCloseTo(120, 6);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
  });

  it("keeps the link full however small the pieces are in which the server produces a body", async () => {
    const pieces = (): Response => {
      let left = 3000;
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (left-- > 0) controller.enqueue(new Uint8Array(100));
            else controller.close();
          },
        }),
      );
    };
    const network = simulatedNetwork({ ...PLAIN, rttMs: 500 }, pieces);
    const response = await network.fetch(URL_OF_TEST);
    expect((await response.arrayBuffer()).byteLength).toBe(300_000);
    expect(network.nowMs()).toBeCloseTo(800, 6);
  });

  it("gives the same times for the same seed and others for another", async () => {
    const run = async (seed: number): Promise<number[]> => {
      const network = simulatedNetwork({ ...PLAIN, jitterMs: 10, seed }, echo);
      const times: number[] = [];
      for (let round = 0; round < 3; round++) {
        await Promise.all(
          [100, 50_000, 7].map(async (size) => {
            await download(network, size);
            times.push(network.nowMs());
          }),
        );
      }
      return times;
    };
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
    expect(first[0]).toBeGreaterThanOrEqual(20);
    expect(first[0]).toBeLessThanOrEqual(40.1);
  });

  it("lets no virtual time pass while the server or the client computes", async () => {
    const network = simulatedNetwork(PLAIN, async () => {
      await delay(30);
      return new Response(new Uint8Array(1000));
    });
    await network.fetch(URL_OF_TEST).then((response) => response.arrayBuffer());
    expect(network.nowMs()).toBeCloseTo(21, 6);
    await delay(30);
    expect(network.nowMs()).toBeCloseTo(21, 6);
  });

  it("counts compressed bytes where the server compresses, and hands on what they stand for", async () => {
    const body = new Uint8Array(300_000).map((_, index) => (index >> 6) & 255);
    const packed = { gzip: gzipSync(body), zstd: zstdCompressSync(body) };
    const network = simulatedNetwork(PLAIN, (request) => {
      const coding = new URL(request.url).pathname.slice(1) as keyof typeof packed;
      return new Response(new Uint8Array(packed[coding]), { headers: { "content-encoding": coding } });
    });
    let before = 0;
    for (const coding of ["gzip", "zstd"] as const) {
      const response = await network.fetch(`${URL_OF_TEST}${coding}`);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
      const { receivedBytes } = network.traffic();
      expect(receivedBytes - before).toBe(packed[coding].length);
      before = receivedBytes;
    }
    expect(network.nowMs()).toBeCloseTo(40 + before / 1000, 6);
  });

  it("frees the link half a round trip after the client gave up", async () => {
    const network = simulatedNetwork(PLAIN, echo);
    const controller = new AbortController();
    const response = await network.fetch(`${URL_OF_TEST}10000000`, { signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(response.arrayBuffer()).rejects.toBe(reason);
    await download(network, 1000);
    expect(network.nowMs()).toBeLessThan(100);
    const received = network.traffic().receivedBytes;
    expect(received).toBeLessThan(60_000);
    await download(network, 0);
    expect(network.traffic().receivedBytes - received).toBeLessThan(5000);
  });

  it("tells the server of a body the client ended early", async () => {
    let cancelled: unknown = "not yet";
    const endless = (): Response =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
          cancel: (reason) => {
            cancelled = reason;
          },
        }),
      );
    const network = simulatedNetwork(PLAIN, endless);
    const response = await network.fetch(URL_OF_TEST);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await expect.poll(() => cancelled).not.toBe("not yet");
  });

  it("rejects an aborted request without sending it", async () => {
    const network = simulatedNetwork(PLAIN, echo);
    const reason = new Error("never mind");
    await expect(network.fetch(URL_OF_TEST, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(network.traffic().requests).toBe(0);
  });

  it("passes status and headers on, and what the server throws", async () => {
    const network = simulatedNetwork(PLAIN, (request) => {
      if (request.method === "DELETE") throw new TypeError("the server is gone");
      return new Response(null, { status: 304, headers: { etag: '"x"' } });
    });
    const response = await network.fetch(URL_OF_TEST);
    expect([response.status, response.headers.get("etag"), response.body]).toEqual([304, '"x"', null]);
    await expect(network.fetch(URL_OF_TEST, { method: "DELETE" })).rejects.toThrow("the server is gone");
  });
});
