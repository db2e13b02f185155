import { answering, fetchFrom, type Host, inTurn, ManualTimers, silent, unreachable } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { type RetryFetchOptions, retryFetch } from "../src/index.ts";
import { failureOf } from "./collect.ts";

const url = "https://host.example/";

/** Timers that let every wait pass at once, and remember it. */
function remoteOf(host: Host, options: RetryFetchOptions = {}) {
  const waits: number[] = [];
  const timers = {
    setTimeout: (callback: () => void, ms: number) => {
      waits.push(ms);
      return setImmediate(callback);
    },
    clearTimeout: () => {},
  };
  const { fetch, requests, openAnswers } = fetchFrom(host);
  return { fetch: retryFetch({ fetch, timers, ...options }), requests, openAnswers, waits };
}

describe("retryFetch", () => {
  it.each<[string, Host]>([
    ["an error", unreachable()],
    ["500", answering(500, "boom")],
    ["503", answering(503)],
    ["429", answering(429)],
  ])("asks again after %s, three times in all", async (_, failing) => {
    const { fetch, requests, waits } = remoteOf(inTurn(failing, failing, answering(200, "here")));
    expect(await (await fetch(url)).text()).toBe("here");
    expect(requests).toHaveLength(3);
    expect(waits).toEqual([500, 1000]);
  });

  it.each([200, 204, 304, 400, 401, 404, 499])("gives %i back at once", async (status) => {
    const { fetch, requests } = remoteOf(answering(status));
    expect((await fetch(url)).status).toBe(status);
    expect(requests).toHaveLength(1);
  });

  it("gives the last answer back when none was better, with its body", async () => {
    const { fetch, requests, openAnswers } = remoteOf(answering(500, "boom"));
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(requests.map(({ state }) => state)).toEqual(["cancelled", "cancelled", "open"]);
    expect(await response.text()).toBe("boom");
    expect(openAnswers()).toBe(0);
  });

  it("throws the last error when none was better", async () => {
    const { fetch, requests } = remoteOf(unreachable());
    await expect(fetch(url)).rejects.toThrow(TypeError);
    expect(requests).toHaveLength(3);
  });

  it("waits as it is told to", async () => {
    const { fetch, waits } = remoteOf(answering(500), { attempts: 4, delayMs: 10, backoff: 3 });
    await fetch(url);
    expect(waits).toEqual([10, 30, 90]);
  });

  it("sends a body again", async () => {
    const { fetch, requests } = remoteOf(inTurn(answering(500), answering(200)));
    await fetch(new Request(url, { method: "POST", body: "hello" }));
    expect(requests.map(({ bodyBytes }) => bodyBytes)).toEqual([5, 5]);
  });

  it("sends a body that can be read only once only once", async () => {
    const { fetch, requests } = remoteOf(answering(500));
    const body = new Blob(["hello"]).stream();
    expect((await fetch(url, { method: "POST", body, duplex: "half" } as RequestInit)).status).toBe(500);
    expect(requests).toHaveLength(1);
  });

  it("ends with the reason when it is aborted, asking or waiting", async () => {
    const reason = new Error("the reader left");
    const asking = new AbortController();
    const hanging = remoteOf(silent());
    const first = failureOf(hanging.fetch(url, { signal: asking.signal }));
    while (hanging.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    asking.abort(reason);
    expect(await first).toBe(reason);
    expect(hanging.requests).toHaveLength(1);

    const waiting = new AbortController();
    const timers = new ManualTimers();
    const failing = remoteOf(answering(500), { timers });
    const second = failureOf(failing.fetch(url, { signal: waiting.signal }));
    while (timers.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    waiting.abort(reason);
    expect(await second).toBe(reason);
    expect(failing.requests).toHaveLength(1);
    expect(timers.pending).toBe(0);
  });

  it.each([0, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s attempts", (attempts) => {
    expect(() => retryFetch({ attempts })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });
});
