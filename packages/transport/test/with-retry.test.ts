import { type PageEntry, pageNo, type Transport } from "@lacuna/page";
import {
  answering,
  breaking,
  cutting,
  fetchFrom,
  type Host,
  inTurn,
  patternDatabase,
  RecordingTransport,
  staticHost,
  unreachable,
} from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { httpRangeTransport } from "../src/http-range/index.ts";
import { withRetry } from "../src/index.ts";
import type { RetryOptions } from "../src/retry-policy.ts";
import { syncServerTransport } from "../src/sync-server/index.ts";
import { collect, failureOf, numbersOf, openAll, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";
import { pullHost } from "./pull-host.ts";

const PAGE = 4096;
const file = makeDatabase();
const honest = staticHost(file);
const everything = file.length / PAGE;

/** Retries without waiting; `waits` are the waits there would have been. */
function retried(transport: Transport, options: RetryOptions = {}) {
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms);
  };
  return { transport: withRetry(transport, { random: () => 0.999_999, sleep, ...options }), waits };
}

function remoteOf(host: Host, options?: RetryOptions) {
  const through = fetchFrom(host);
  const bare = httpRangeTransport({ url: "https://host.example/made.db", fetch: through.fetch });
  return { ...through, ...retried(bare, options) };
}

describe("withRetry", () => {
  it.each<[string, Host]>([
    ["an unreachable host", unreachable()],
    ["a short answer", cutting(honest, 40)],
    ["a broken connection", breaking(honest, 40)],
    ["408", answering(408)],
    ["425", answering(425)],
    ["429", answering(429)],
    ["500", answering(500)],
    ["503", answering(503)],
  ])("opens after %s", async (_, failing) => {
    const { transport, requests, waits } = remoteOf(inTurn(failing, failing, honest));
    await openAll(transport);
    expect(requests).toHaveLength(3);
    expect(transport.traffic().requests).toBe(3);
    expect(waits).toHaveLength(2);
  });

  it.each<[string, Host, string]>([
    ["401", answering(401), "UNAUTHORIZED"],
    ["404", answering(404), "HTTP_STATUS"],
    ["something that is no database", staticHost(new Uint8Array(9999)), "NOT_A_DATABASE"],
    ["a host without ranges", answering(200, "all of it"), "RANGE_UNSUPPORTED"],
  ])("reports %s at once", async (_, failing, code) => {
    const { transport, requests } = remoteOf(failing);
    await expect(transport.open()).rejects.toMatchObject({ code });
    expect(requests).toHaveLength(1);
  });

  it("gives up after four attempts, waiting twice as long each time", async () => {
    const { transport, requests, waits } = remoteOf(answering(500, "boom"));
    await expect(transport.open()).rejects.toMatchObject({ code: "HTTP_STATUS", status: 500 });
    expect(requests).toHaveLength(4);
    expect(waits.map(Math.round)).toEqual([100, 200, 400]);
  });

  it("waits a random part of what it may, and never longer than the limit", async () => {
    const options = { attempts: 9, baseDelayMs: 10, maxDelayMs: 100, random: () => 0.5 };
    const { transport, waits } = remoteOf(answering(500), options);
    await failureOf(transport.open());
    expect(waits).toEqual([5, 10, 20, 40, 50, 50, 50, 50]);
  });

  it.each([
    ["in seconds", { "retry-after": "7" }],
    ["as a date", { "retry-after": "Sun, 22 Nov 2026 10:00:07 GMT", date: "Sun, 22 Nov 2026 10:00:00 GMT" }],
  ])("waits at least as long as the server asks for %s", async (_, headers) => {
    const { transport, waits } = remoteOf(inTurn(answering(429, "", headers), honest));
    await openAll(transport);
    expect(waits).toEqual([7000]);
  });

  it("reports at once when the server asks for more patience than it may have", async () => {
    const { transport, requests } = remoteOf(answering(503, "", { "retry-after": "31" }));
    await expect(transport.open()).rejects.toMatchObject({ status: 503, retryAfterMs: 31_000 });
    expect(requests).toHaveLength(1);
  });

  it("does not ask again for pages that have come", async () => {
    const database = patternDatabase(20);
    const inner = new RecordingTransport(database);
    const error = Object.assign(new Error("broken"), { name: "LacunaError", code: "NETWORK" });
    inner.misbehave({ error, afterPages: 2 }, { error, afterPages: 1 });
    const { transport } = retried(inner);
    const request = {
      revision: database.shape.revision,
      pages: pages(7, 8, 9, 3),
      urgency: "demand" as const,
    };
    expect(await numbersOf(transport.fetchPages(request))).toEqual([7, 8, 9, 3]);
    expect(inner.asked).toEqual([[7, 8, 9, 3], [9, 3], [3]]);
  });

  it("hands over what comes along only once", async () => {
    const database = patternDatabase(20);
    const inner = new RecordingTransport(database);
    const error = Object.assign(new Error("broken"), { name: "LacunaError", code: "NETWORK" });
    const entries = (entry: PageEntry): PageEntry[] => [entry, { ...entry, page: pageNo(8) }];
    inner.misbehave({ error, afterPages: 1, entries }, { entries });
    const { transport } = retried(inner);
    const request = {
      revision: database.shape.revision,
      pages: pages(7, 9),
      urgency: "demand" as const,
      takesOthers: true,
    };
    expect(await numbersOf(transport.fetchPages(request))).toEqual([7, 8, 9]);
    expect(inner.asked).toEqual([[7, 9], [9]]);
  });

  it("counts attempts anew once a page has come", async () => {
    const database = patternDatabase(20);
    const inner = new RecordingTransport(database);
    const error = Object.assign(new Error("broken"), { name: "LacunaError", code: "NETWORK" });
    inner.misbehave({ error }, { error, afterPages: 1 }, { error }, { error, afterPages: 1 }, { error });
    const { transport, waits } = retried(inner, { attempts: 3 });
    const request = { revision: database.shape.revision, pages: pages(1, 2, 3), urgency: "demand" as const };
    expect(await numbersOf(transport.fetchPages(request))).toEqual([1, 2, 3]);
    expect(waits.map(Math.round)).toEqual([100, 100, 200, 100, 200]);
  });

  it("does not count pages that had come before as something new", async () => {
    const database = patternDatabase(20);
    const inner = new RecordingTransport(database);
    const error = Object.assign(new Error("broken"), { name: "LacunaError", code: "NETWORK" });
    const entries = (entry: PageEntry): PageEntry[] => [{ ...entry, page: pageNo(8) }];
    inner.misbehave(...Array.from({ length: 9 }, () => ({ error, afterPages: 1, entries })));
    const { transport } = retried(inner, { attempts: 3 });
    const request = {
      revision: database.shape.revision,
      pages: pages(7),
      urgency: "demand" as const,
      takesOthers: true,
    };
    await expect(numbersOf(transport.fetchPages(request))).rejects.toBe(error);
    expect(inner.requests).toHaveLength(3);
  });

  it("ends well when the connection breaks after the last page", async () => {
    const database = patternDatabase(20);
    const inner = new RecordingTransport(database);
    const error = Object.assign(new Error("broken"), { name: "LacunaError", code: "NETWORK" });
    inner.misbehave({ error, afterPages: 2 });
    const request = { revision: database.shape.revision, pages: pages(1, 2), urgency: "demand" as const };
    expect(await numbersOf(retried(inner).transport.fetchPages(request))).toEqual([1, 2]);
    expect(inner.requests).toHaveLength(1);
  });

  it.each<["prefix" | "full", number]>([
    ["prefix", 8],
    ["full", everything],
  ])("completes a %s bootstrap that broke off with the pages that are missing", async (kind, count) => {
    const { transport, requests } = remoteOf(inTurn(breaking(honest, 5 * PAGE), honest));
    const bootstrap = kind === "full" ? { kind } : { kind, bytes: 8 * PAGE };
    const entries = await openAll(transport, bootstrap);
    expect(entries.map(({ page }) => page)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(requests[1]?.headers.get("range")).toBe(`bytes=${5 * PAGE}-${count * PAGE - 1}`);
    expect(requests).toHaveLength(2);
  });

  it("asks the whole query again when its bootstrap broke off, and drops what it has", async () => {
    const whole = pullHost(file, PAGE, { pages: [1, 4, 9] });
    const { fetch, requests } = fetchFrom(inTurn(breaking(whole, 2 * PAGE + 50), whole));
    const { transport } = retried(syncServerTransport({ url: "https://host.example", fetch }));
    const entries = await openAll(transport, { kind: "query", sql: "SELECT 1" });
    expect(entries.map(({ page }) => page)).toEqual([1, 4, 9]);
    expect(requests).toHaveLength(2);
  });

  it("reports REVISION_CHANGED when the remote moved on before the query was asked again", async () => {
    const sent = { pages: [1, 4, 9] };
    const old = breaking(pullHost(file, PAGE, sent), 2 * PAGE + 50);
    const { fetch, openAnswers } = fetchFrom(inTurn(old, pullHost(file, PAGE, { ...sent, revision: "r2" })));
    const { transport } = retried(syncServerTransport({ url: "https://host.example", fetch }));
    const opening = openAll(transport, { kind: "query", sql: "SELECT 1" });
    await expect(opening).rejects.toMatchObject({ code: "REVISION_CHANGED" });
    expect(openAnswers()).toBe(0);
  });

  it("ends with the reason when it is aborted while it waits", async () => {
    const reason = new Error("the reader left");
    const controller = new AbortController();
    const through = fetchFrom(answering(500));
    const transport = withRetry(
      httpRangeTransport({ url: "https://host.example/made.db", fetch: through.fetch }),
      { baseDelayMs: 1_000_000, maxDelayMs: 1_000_000, random: () => 1 },
    );
    const opening = failureOf(transport.open({ signal: controller.signal }));
    while (through.requests[0]?.state !== "complete") await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(reason);
    expect(await opening).toBe(reason);
    expect(through.requests).toHaveLength(1);
  });

  it("serves on after a failure was reported", async () => {
    const failing = answering(500);
    const { transport } = remoteOf(inTurn(failing, failing, honest), { attempts: 2 });
    await expect(revisionOf(transport)).rejects.toMatchObject({ status: 500 });
    const revision = await revisionOf(transport);
    expect(
      await collect(transport.fetchPages({ revision, pages: pages(2), urgency: "demand" })),
    ).toHaveLength(1);
  });

  it.each([{ attempts: 0 }, { attempts: 1.5 }, { baseDelayMs: -1 }, { maxDelayMs: Number.NaN }])(
    "refuses %o",
    (wrong) => {
      const inner = new RecordingTransport(patternDatabase(1));
      expect(() => withRetry(inner, wrong)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    },
  );
});
