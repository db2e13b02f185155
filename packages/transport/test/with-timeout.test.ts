import type { PageEntry, Transport } from "@lacuna/page";
import {
  fetchFrom,
  type Host,
  inTurn,
  ManualTimers,
  patternDatabase,
  RecordingTransport,
  silent,
  stalling,
  staticHost,
} from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { httpRangeTransport } from "../src/http-range/index.ts";
import { withTimeout } from "../src/index.ts";
import { syncServerTransport } from "../src/sync-server/index.ts";
import { collect, failureOf, openAll, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";
import { pullHost } from "./pull-host.ts";

const PAGE = 4096;
const file = makeDatabase();
const url = "https://host.example/made.db";

/** Lets everything happen that needs no time to pass. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const remotes: [string, Host, (fetch: typeof globalThis.fetch) => Transport][] = [
  ["static host", staticHost(file), (fetch) => httpRangeTransport({ url, fetch })],
  ["sync server", pullHost(file, PAGE), (fetch) => syncServerTransport({ url, fetch })],
];

describe.each(remotes)("a %s that hangs", (_, honest, make) => {
  const start = (host: Host) => {
    const timers = new ManualTimers();
    const through = fetchFrom(host);
    const transport = withTimeout(make(through.fetch), { timeoutMs: 1000, timers });
    return { ...through, timers, transport };
  };
  const fetching = { pages: pages(5, 6, 7, 8), urgency: "demand" } as const;

  it("before the headers ends opening with TIMEOUT, and nothing stays open", async () => {
    const { timers, transport, openAnswers } = start(silent());
    const opening = failureOf(transport.open());
    await settle();
    timers.advance(999);
    await settle();
    expect(openAnswers()).toBe(1);
    timers.advance(1);
    expect(await opening).toMatchObject({ code: "TIMEOUT" });
    await settle();
    expect(openAnswers()).toBe(0);
    expect(timers.pending).toBe(0);
  });

  it("in the body ends opening with TIMEOUT, and nothing stays open", async () => {
    const { timers, transport, openAnswers } = start(stalling(honest, 50));
    const opening = failureOf(openAll(transport));
    await settle();
    timers.advance(1000);
    expect(await opening).toMatchObject({ code: "TIMEOUT" });
    await settle();
    expect(openAnswers()).toBe(0);
  });

  it("between the pages of an opening ends them with TIMEOUT, and nothing stays open", async () => {
    const { timers, transport, openAnswers } = start(stalling(honest, 3 * PAGE + 50));
    const came: PageEntry[] = [];
    const { pages } = await transport.open({ bootstrap: { kind: "full" } });
    const reading = failureOf(collect(pages, came));
    await settle();
    timers.advance(1000);
    expect(await reading).toMatchObject({ code: "TIMEOUT" });
    await settle();
    expect(came.length).toBeGreaterThan(0);
    expect(openAnswers()).toBe(0);
    expect(timers.pending).toBe(0);
  });

  it("before the headers ends a fetch with TIMEOUT, and nothing stays open", async () => {
    const { timers, transport, openAnswers } = start(inTurn(honest, silent()));
    const revision = await revisionOf(transport);
    const reading = failureOf(collect(transport.fetchPages({ revision, ...fetching })));
    await settle();
    timers.advance(1000);
    expect(await reading).toMatchObject({ code: "TIMEOUT" });
    await settle();
    expect(openAnswers()).toBe(0);
    expect(timers.pending).toBe(0);
  });

  it("in the body ends a fetch with TIMEOUT after the pages that came, and nothing stays open", async () => {
    const { timers, transport, openAnswers } = start(
      inTurn(honest, stalling(honest, 2 * PAGE + 100), honest),
    );
    const revision = await revisionOf(transport);
    const came: PageEntry[] = [];
    const reading = failureOf(collect(transport.fetchPages({ revision, ...fetching }), came));
    await settle();
    timers.advance(1000);
    expect(await reading).toMatchObject({ code: "TIMEOUT" });
    await settle();
    expect(came.map(({ page }) => page)).toEqual([5, 6]);
    expect(openAnswers()).toBe(0);
    expect(await collect(transport.fetchPages({ revision, ...fetching }))).toHaveLength(4);
  });

  it("in the body of a refusal ends with TIMEOUT", async () => {
    const { timers, transport, openAnswers } = start(async (request) => {
      const { body } = await stalling(honest, 10)(request);
      return new Response(body, { status: 500 });
    });
    const opening = failureOf(transport.open());
    await settle();
    timers.advance(1000);
    expect(await opening).toMatchObject({ code: "TIMEOUT" });
    await settle();
    expect(openAnswers()).toBe(0);
  });
});

describe("withTimeout", () => {
  const database = patternDatabase(9);
  const request = { revision: database.shape.revision, pages: pages(1, 2, 3), urgency: "demand" as const };
  const start = () => {
    const timers = new ManualTimers();
    const inner = new RecordingTransport(database);
    return { timers, inner, transport: withTimeout(inner, { timeoutMs: 1000, timers }) };
  };

  it("gives each page its own time", async () => {
    const { timers, inner, transport } = start();
    inner.hold();
    const reading = collect(transport.fetchPages(request));
    for (let page = 1; page <= 3; page++) {
      await settle();
      timers.advance(900);
      inner.deliver(1);
    }
    expect(await reading).toHaveLength(3);
    expect(timers.pending).toBe(0);
  });

  it("does not count the time the consumer takes", async () => {
    const { timers, transport } = start();
    let came = 0;
    for await (const _ of transport.fetchPages(request)) {
      came++;
      timers.advance(1_000_000);
    }
    expect(came).toBe(3);
  });

  it("ends even when the transport does not heed its signal", async () => {
    const timers = new ManualTimers();
    const deaf: Transport = {
      open: () => new Promise(() => {}),
      fetchPages: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
      traffic: () => ({ requests: 0, sentBytes: 0, receivedBytes: 0 }),
      close: async () => {},
    };
    const transport = withTimeout(deaf, { timeoutMs: 1000, timers });
    const both = [failureOf(transport.open()), failureOf(collect(transport.fetchPages(request)))];
    await settle();
    timers.advance(1000);
    for (const failure of await Promise.all(both)) expect(failure).toMatchObject({ code: "TIMEOUT" });
  });

  it("ends with the reason of a signal that the transport does not heed", async () => {
    const reason = new Error("the reader left");
    const deaf: Transport = {
      ...new RecordingTransport(database),
      open: () => new Promise(() => {}),
    } as never;
    const signal = AbortSignal.abort(reason);
    await expect(withTimeout(deaf, { timers: new ManualTimers() }).open({ signal })).rejects.toBe(reason);
  });

  it("ends an answer that comes too late", async () => {
    const timers = new ManualTimers();
    let answer = (): void => {};
    let ended = 0;
    const late: Transport = {
      open: () =>
        new Promise((resolve) => {
          const pages = {
            [Symbol.asyncIterator]: () => ({
              next: () => new Promise<IteratorResult<PageEntry[]>>(() => {}),
              return: async () => ({ done: true as const, value: ++ended }),
            }),
          };
          answer = () => resolve({ shape: database.shape, pages });
        }),
      fetchPages: () => (async function* () {})(),
      traffic: () => ({ requests: 0, sentBytes: 0, receivedBytes: 0 }),
      close: async () => {},
    };
    const opening = failureOf(withTimeout(late, { timeoutMs: 1000, timers }).open());
    await settle();
    timers.advance(1000);
    expect(await opening).toMatchObject({ code: "TIMEOUT" });
    answer();
    await settle();
    expect(ended).toBe(1);
  });

  it("sets no timer without a limit", async () => {
    const timers = new ManualTimers();
    const inner = new RecordingTransport(database);
    inner.hold();
    const transport = withTimeout(inner, { timeoutMs: Number.POSITIVE_INFINITY, timers });
    const reading = collect(transport.fetchPages(request));
    await settle();
    expect(timers.pending).toBe(0);
    inner.release();
    expect(await reading).toHaveLength(3);
  });

  it.each([-1, Number.NaN])("refuses %s milliseconds", (timeoutMs) => {
    const inner = new RecordingTransport(database);
    expect(() => withTimeout(inner, { timeoutMs })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
