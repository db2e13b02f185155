import { SegmentCache } from "@lacuna/cache";
import { type AccessEvent, LacunaError, type PageNo, type Predictor, pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { laterTurn, patternDatabase, RecordingTransport } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { type WithPrefetchOptions, withPrefetch } from "../src/index.ts";
import { coldSource, makeTable, scan, take } from "./tables.ts";

const database = patternDatabase(8000, { pageSize: 512 });

/** A predictor that says what it is told to, once per event, and records the events. */
function scripted(predict: (event: AccessEvent) => readonly PageNo[]) {
  const events: AccessEvent[] = [];
  let due: readonly PageNo[] = [];
  const predictor: Predictor = {
    observe(event) {
      events.push(event);
      due = predict(event);
    },
    predict(limit) {
      const pages = due.slice(0, limit);
      due = due.slice(limit);
      return pages;
    },
    reset() {
      due = [];
    },
  };
  return { predictor, events };
}

async function setUp(predictor: Predictor | readonly Predictor[], options?: WithPrefetchOptions) {
  const transport = new RecordingTransport(database);
  const store = memoryStore();
  await store.reset(database.shape);
  const cache = new SegmentCache({ transport, store, shape: database.shape, segmentBytes: 512 });
  return { transport, cache, source: withPrefetch(cache, predictor, options) };
}

const run = (first: number, count: number): PageNo[] =>
  Array.from({ length: count }, (_, index) => pageNo(first + index));

describe("withPrefetch", () => {
  it("sends what a miss predicts together with the demanded page", async () => {
    const { predictor } = scripted(({ page, bytes }) => (bytes === undefined ? run(page + 1, 3) : []));
    const { source, transport } = await setUp(predictor);
    await source.read(pageNo(10));
    expect(transport.asked).toEqual([[10, 11, 12, 13]]);
  });

  it("shows a missed page twice: when it is asked for, and with its bytes when it has come", async () => {
    const { predictor, events } = scripted(() => []);
    const { source } = await setUp(predictor);
    await source.read(pageNo(10), { hint: "scan" });
    source.peek(pageNo(10));
    await source.read(pageNo(10));
    await source.read(pageNo(11));
    source.peek(pageNo(10));
    expect(events.map(({ page, bytes, miss, hint }) => [page, bytes?.length, miss, hint])).toEqual([
      [10, undefined, true, "scan"],
      [10, 512, true, "scan"],
      [11, undefined, true, undefined],
      [11, 512, true, undefined],
      [10, 512, false, undefined],
    ]);
  });

  it("tells the predictor nothing of pages that are only glanced at", async () => {
    const { predictor, events } = scripted(() => []);
    const { cache, source } = await setUp(predictor);
    const read = await source.read(pageNo(100));
    const [seen, { hits }] = [events.length, cache.stats()];
    expect(source.glance?.(pageNo(100))).toEqual(read);
    expect(source.glance?.(pageNo(200))).toBeUndefined();
    expect(events).toHaveLength(seen);
    expect(cache.stats().hits).toBe(hits);
  });

  it("sends what arrived bytes predict without waiting for the rest of the request", async () => {
    const { predictor } = scripted(({ page, bytes }) =>
      page !== 10 ? [] : bytes === undefined ? run(11, 3) : run(50, 2),
    );
    const { source, transport } = await setUp(predictor);
    transport.hold();
    const reading = source.read(pageNo(10));
    await laterTurn();
    transport.deliver(1);
    await reading;
    await laterTurn();
    expect(transport.asked).toEqual([
      [10, 11, 12, 13],
      [50, 51],
    ]);
    transport.release();
  });

  it("reads on when the predictor throws, and counts it", async () => {
    const broken: Predictor = {
      observe() {
        throw new Error("observe");
      },
      predict() {
        throw new Error("predict");
      },
      reset() {},
    };
    const { source } = await setUp(broken);
    expect(await source.read(pageNo(10))).toEqual(database.page(pageNo(10)));
    expect(source.peek(pageNo(10))).toEqual(database.page(pageNo(10)));
    expect(source.predictions().failures).toBe(4);
  });

  it("reads on when what is predicted is garbage", async () => {
    const garbage = [0, -1, 4.5, Number.NaN, 99_999, 10, 11] as PageNo[];
    const { predictor } = scripted(({ bytes }) => (bytes === undefined ? garbage : []));
    const { source, transport } = await setUp(predictor);
    expect(await source.read(pageNo(10))).toEqual(database.page(pageNo(10)));
    await laterTurn();
    expect(transport.asked).toEqual([[10, 11]]);
  });

  it("reads on when the prefetch fails", async () => {
    const { predictor } = scripted(({ bytes }) => (bytes === undefined ? [] : run(50, 2)));
    const { source, transport } = await setUp(predictor);
    transport.misbehave({}, { error: new LacunaError("NETWORK", "gone") });
    await source.read(pageNo(10));
    await laterTurn();
    expect(transport.requests.map((request) => request.state)).toEqual(["complete", "failed"]);
    expect(await source.read(pageNo(50))).toEqual(database.page(pageNo(50)));
  });

  it("survives a source whose prefetch rejects", async () => {
    const { predictor } = scripted(({ bytes }) => (bytes === undefined ? run(50, 2) : []));
    const { cache } = await setUp(predictor);
    const { revision, pageSize, pageCount } = cache;
    const source = withPrefetch(
      {
        revision,
        pageSize,
        pageCount,
        peek: (page) => cache.peek(page),
        read: (page) => cache.read(page),
        prefetch: () => Promise.reject(new Error("against the contract")),
      },
      predictor,
    );
    expect(await source.read(pageNo(10))).toEqual(database.page(pageNo(10)));
    await laterTurn();
  });

  it("drops what was predicted because of a read when that read is aborted", async () => {
    const { predictor } = scripted(({ bytes }) => (bytes === undefined ? run(50, 2) : []));
    const { source, transport } = await setUp(predictor);
    transport.hold();
    const abort = new AbortController();
    const reading = source.read(pageNo(10), { signal: abort.signal }).catch(() => "aborted");
    await laterTurn();
    expect(transport.asked).toEqual([[10, 50, 51]]);
    abort.abort();
    expect(await reading).toBe("aborted");
    await laterTurn();
    expect(transport.requests[0]?.state).toBe("cancelled");
  });

  it("asks for the rest of a batch again when a reader misses a page of it after it was dropped", async () => {
    const { predictor } = scripted(({ page, bytes }) =>
      page === 10 && bytes === undefined ? run(50, 4) : [],
    );
    const { source, transport } = await setUp(predictor);
    transport.hold();
    const abort = new AbortController();
    const reading = source.read(pageNo(10), { signal: abort.signal }).catch(() => "aborted");
    await laterTurn();
    abort.abort();
    expect(await reading).toBe("aborted");
    transport.release();
    await source.read(pageNo(51));
    await laterTurn();
    expect(transport.asked.slice(1)).toEqual([[51, 50, 52, 53]]);
  });

  it("does not ask again while the batch is on the way", async () => {
    const { predictor } = scripted(({ page, bytes }) =>
      page === 10 && bytes === undefined ? run(50, 4) : [],
    );
    const { source, cache, transport } = await setUp(predictor);
    const prefetches: (readonly PageNo[])[] = [];
    const prefetch = cache.prefetch.bind(cache);
    cache.prefetch = (pages, options) => {
      prefetches.push(pages);
      return prefetch(pages, options);
    };
    transport.hold();
    const first = source.read(pageNo(10));
    await laterTurn();
    const late = source.read(pageNo(53));
    await laterTurn();
    transport.release();
    await Promise.all([first, late]);
    expect(transport.asked).toEqual([[10, 50, 51, 52, 53]]);
    expect(prefetches).toEqual([[50, 51, 52, 53]]);
  });

  it("refuses options out of range", async () => {
    const { predictor } = scripted(() => []);
    await expect(setUp(predictor, { limit: 0 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

describe("several predictors", () => {
  const constant = (cause: "scan" | "overflow", pages: readonly PageNo[]): Predictor => {
    const { predictor } = scripted(({ bytes }) => (bytes === undefined ? pages : []));
    return { ...predictor, cause };
  };

  it("share a request, the first one first, and no page is asked for twice", async () => {
    const both = [constant("overflow", run(50, 3)), constant("scan", run(52, 3))];
    const { source, transport, cache } = await setUp(both);
    await source.read(pageNo(10));
    await laterTurn();
    expect(transport.asked).toEqual([[10, 50, 51, 52, 53, 54]]);
    source.peek(pageNo(50));
    source.peek(pageNo(53));
    const { causes } = source.predictions();
    expect(causes.overflow).toMatchObject({ predicted: 3, used: 1, pending: 2 });
    expect(causes.scan).toMatchObject({ predicted: 2, used: 1, pending: 1 });
    expect(source.predictions()).toMatchObject({ predicted: 5, used: 2, pending: 3 });
    expect(cache.stats().causes).toMatchObject({ overflow: { fetched: 3 }, scan: { fetched: 2 } });
  });

  it("do not hinder each other when one is broken", async () => {
    const broken: Predictor = {
      observe() {
        throw new Error("observe");
      },
      predict() {
        throw new Error("predict");
      },
      reset() {},
    };
    const { source, transport } = await setUp([broken, constant("scan", run(50, 2))]);
    expect(await source.read(pageNo(10))).toEqual(database.page(pageNo(10)));
    await laterTurn();
    expect(transport.asked).toEqual([[10, 50, 51]]);
    expect(source.predictions().causes.other?.failures).toBeGreaterThan(0);
    expect(source.predictions().causes.scan?.failures).toBe(0);
  });

  it("earn their budgets each by its own use", async () => {
    const useful = scripted(({ page, bytes }) => (bytes === undefined ? run(page + 1, 3) : [])).predictor;
    const useless = scripted(({ page, bytes }) => (bytes === undefined ? run(5000 + page, 3) : [])).predictor;
    const both: Predictor[] = [
      { ...useless, cause: "history" },
      { ...useful, cause: "scan" },
    ];
    const { source } = await setUp(both, { budget: 128 });
    for (const page of run(1, 2500)) await source.read(page);
    const { causes } = source.predictions();
    expect(causes.history?.allowance).toBe(16);
    expect(causes.scan?.allowance).toBe(128);
  });

  it("leave a reader alone who asks by itself, unless they know what its plans do not", async () => {
    const guessing = constant("scan", run(50, 2));
    const knowing: Predictor = { ...constant("overflow", run(60, 2)), beyondPlans: true };
    const { source, transport } = await setUp([guessing, knowing]);
    await source.read(pageNo(10), { planned: true });
    source.peek(pageNo(60));
    await laterTurn();
    expect(transport.asked).toEqual([[10, 60, 61]]);
    await source.read(pageNo(11));
    await laterTurn();
    expect(transport.asked.slice(1)).toEqual([[11, 50, 51]]);
  });

  it("pay together for what is pending", async () => {
    const both = [constant("overflow", run(100, 80)), constant("scan", run(500, 80))];
    const { source, transport } = await setUp(both, { budget: 100 });
    await source.read(pageNo(10));
    await laterTurn();
    expect(transport.asked.flat()).toHaveLength(101);
  });
});

describe("what a reader can do besides reading", () => {
  it("goes through: glancing tells the predictors nothing, and the link is what the source says", async () => {
    const { predictor, events } = scripted(() => []);
    const { source, cache } = await setUp(predictor);
    await source.read(pageNo(10));
    const seen = events.length;
    expect(source.glance?.(pageNo(10))).toEqual(database.page(pageNo(10)));
    expect(source.glance?.(pageNo(11))).toBeUndefined();
    expect(events).toHaveLength(seen);
    expect(source.linkEstimate?.()).toBe(cache.linkEstimate());
  });
});

describe("the budget", () => {
  it("limits what is asked for at once, and what is predicted and not read", async () => {
    const { predictor } = scripted(({ page, bytes }) => (bytes === undefined ? run(page * 500, 100) : []));
    const { source, transport } = await setUp(predictor, { limit: 10, budget: 25 });
    for (const page of run(1, 6)) await source.read(page);
    await laterTurn();
    expect(transport.asked.flat().filter((page) => page >= 500)).toHaveLength(25);
    expect(source.predictions()).toMatchObject({ predicted: 25, pending: 25, used: 0 });
  });

  it("shrinks while predictions go unused, and grows back when they are used", async () => {
    let useful = false;
    const { predictor } = scripted(({ page, bytes }) =>
      bytes !== undefined ? [] : useful ? run(page + 1, 15) : run(5000 + page, 15),
    );
    const { source } = await setUp(predictor, { budget: 64 });
    expect(source.predictions().allowance).toBe(64);
    for (const page of run(1, 2500)) await source.read(page);
    expect(source.predictions()).toMatchObject({ used: 0, allowance: 16 });
    expect(source.predictions().wasted).toBeGreaterThan(64);
    useful = true;
    for (const page of run(2501, 1000)) await source.read(page);
    expect(source.predictions().allowance).toBe(64);
  });

  it("does not give pages up while a statement reads again and again what is here", async () => {
    const { predictor } = scripted(({ page, bytes }) =>
      page === 10 && bytes === undefined ? run(50, 20) : [],
    );
    const { source } = await setUp(predictor);
    await source.read(pageNo(9));
    await source.read(pageNo(10));
    for (let step = 0; step < 20_000; step++) source.peek(pageNo(9 + (step % 2)));
    expect(source.predictions()).toMatchObject({ pending: 20, wasted: 0 });
  });
});

describe("a warm scan", () => {
  it("predicts nothing", async () => {
    const table = makeTable(2000, 400, 1024);
    const { source } = await coldSource(table);
    await take(scan(source, table.root));
    await laterTurn();
    const { predicted } = source.predictions();
    await take(scan(source, table.root));
    expect(source.predictions().predicted).toBe(predicted);
  });

  it("goes on predicting where it comes to pages that are not here", async () => {
    const table = makeTable(2000, 400, 1024);
    const { source, cache, transport } = await coldSource(table);
    const half = table.leaves.length / 2;
    await cache.prefetch([...table.interiors, ...table.leaves.slice(0, half)]);
    const before = transport.requests.length;
    await take(scan(source, table.root));
    await laterTurn();
    expect(transport.requests.length - before).toBeLessThanOrEqual(11);
    expect(transport.asked.flat()).toHaveLength(table.treePages);
  });
});
