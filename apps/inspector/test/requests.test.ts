import { pageNo } from "@lacuna/page";
import type { PagesEvent } from "lacuna";
import { describe, expect, it } from "vitest";
import { RequestLog, recordedFetch } from "../src/page/network/request-log.ts";
import { slowFetch } from "../src/page/network/slow-network.ts";
import { waterfallOf } from "../src/page/network/waterfall.ts";

const asked = (request: number, ...pages: number[]): PagesEvent => ({
  type: "request",
  request,
  urgency: "demand",
  pages: pages.map(pageNo),
  causes: pages.map((_, at) => (at === 0 ? "demand" : "scan")),
});
const answered = (request: number, outcome: "complete" | "cancelled"): PagesEvent => ({
  type: "answer",
  request,
  urgency: "demand",
  outcome,
  asked: 1,
  arrived: 1,
  error: undefined,
});
const post = { method: "POST", target: "/pull-updates", range: null, at: 0 };

describe("the log of requests", () => {
  it("has no pages for requests of the opening", () => {
    const log = new RequestLog();
    expect(log.start(post)).toMatchObject({ number: 1, run: 0, pages: 0, outcome: "under way" });
  });

  it("gives requests their pages in the order in which these are asked for", () => {
    const log = new RequestLog();
    log.beginRun(3);
    log.apply(asked(1, 7, 8, 9));
    log.apply(asked(2, 20));
    const records = [log.start(post), log.start(post), log.start(post)];
    expect(records.map(({ pages }) => pages)).toEqual([3, 1, 0]);
    expect(records[0]?.run).toBe(3);
    expect(Object.fromEntries(records[0]?.causes ?? [])).toEqual({ demand: 1, scan: 2 });
  });

  it("tells by the range of bytes which pages a request brings", () => {
    const log = new RequestLog();
    log.pageSize = 4096;
    log.apply(asked(1, 2, 3));
    log.apply(asked(2, 10, 11, 15));
    const range = { method: "GET", target: "/a.db", range: "bytes=36864-45055", at: 0 };
    expect(log.start(range)).toMatchObject({ pages: 2, target: "/a.db bytes=36864-45055" });
    expect(Object.fromEntries(log.records[0]?.causes ?? [])).toEqual({ demand: 1, scan: 1 });
  });

  it("takes an answer for complete whose reader left when it had every page", () => {
    const log = new RequestLog();
    for (const request of [1, 2]) log.apply(asked(request, request));
    const [before, after] = [log.start(post), log.start(post)];
    log.end(before, "cancelled", 5);
    log.apply(answered(1, "complete"));
    log.apply(answered(2, "complete"));
    log.end(after, "cancelled", 5);
    expect([before.outcome, after.outcome]).toEqual(["complete", "complete"]);
    log.apply(asked(3, 3));
    const left = log.start(post);
    log.apply(answered(3, "cancelled"));
    log.end(left, "cancelled", 6);
    expect(left.outcome).toBe("cancelled");
  });
});

describe("a fetch that is recorded", () => {
  it("counts what comes, and says when it began and ended", async () => {
    const log = new RequestLog();
    let now = 0;
    const fetch = recordedFetch(
      async () => new Response("hello"),
      log,
      () => ++now,
    );
    const response = await fetch("http://host/a.db?token=secret", { headers: { range: "bytes=0-4" } });
    expect(log.records[0]).toMatchObject({
      target: "/a.db bytes=0-4",
      startedAt: 1,
      answeredAt: 2,
      status: 200,
    });
    expect(await response.text()).toBe("hello");
    expect(log.records[0]).toMatchObject({ bytes: 5, endedAt: 3, outcome: "complete" });
  });

  it("tells a failure from what was given up", async () => {
    const log = new RequestLog();
    const failing = recordedFetch(
      () => Promise.reject(new TypeError("no")),
      log,
      () => 0,
    );
    await expect(failing("http://host/")).rejects.toThrow("no");
    await expect(failing("http://host/", { signal: AbortSignal.abort() })).rejects.toThrow("no");
    expect(log.records.map(({ outcome }) => outcome)).toEqual(["failed", "cancelled"]);
  });
});

describe("a slow network", () => {
  const bytes = (length: number): Response => new Response(new Uint8Array(length));

  it("waits a round trip, and then as long as the bytes take", async () => {
    let now = 0;
    const clock = {
      now: () => now,
      sleep: async (ms: number) => {
        now += Math.max(0, ms);
      },
    };
    const fetch = slowFetch(
      async () => bytes(100_000),
      () => ({ roundTripMs: 50, bytesPerSecond: 1e6 }),
      clock,
    );
    const response = await fetch("http://host/");
    expect(now).toBe(50);
    expect((await response.arrayBuffer()).byteLength).toBe(100_000);
    expect(now).toBeCloseTo(150);
  });

  it("is left out where there is none to simulate", async () => {
    const clock = { now: () => 0, sleep: () => Promise.reject(new Error("it waited")) };
    const fetch = slowFetch(
      async () => bytes(3),
      () => undefined,
      clock,
    );
    expect((await (await fetch("http://host/")).arrayBuffer()).byteLength).toBe(3);
  });

  it("stops waiting when the request is given up", async () => {
    const { sleep } = await import("../src/page/network/slow-network.ts");
    const controller = new AbortController();
    const waiting = sleep(1e6, controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("the waterfall", () => {
  it("lays requests out along the time since the first", () => {
    const log = new RequestLog();
    const first = log.start({ ...post, at: 100 });
    first.answeredAt = 140;
    log.end(first, "complete", 180);
    log.start({ ...post, at: 150 });
    const { bars, span, ticks } = waterfallOf(log.records, 190);
    expect({ span, ticks }).toEqual({ span: 100, ticks: [0, 50, 100] });
    expect(bars[0]).toMatchObject({ start: 0, waiting: 0.4, receiving: 0.4, duration: 80 });
    expect(bars[1]).toMatchObject({ start: 0.5, waiting: 0.4, receiving: 0, duration: 40 });
  });

  it("is empty without requests", () => {
    expect(waterfallOf([], 5)).toEqual({ bars: [], span: 0, ticks: [] });
  });
});
