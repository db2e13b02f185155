import { type LinkEstimate, pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { laterTurn } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { SegmentCache } from "../src/index.ts";
import { pagesNo, setUp } from "./set-up.ts";

const SEGMENT_OF_FOUR = { segmentBytes: 16 * 1024 };

describe("a demand miss", () => {
  it("asks for pages 5 to 8 when page 6 is read with 4 KiB pages and 16 KiB segments", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    await cache.read(pageNo(6));
    expect(transport.asked).toEqual([[6, 5, 7, 8]]);
    expect(transport.requests[0]?.urgency).toBe("demand");
  });

  it("asks for pages 5, 7 and 8 when page 6 is resident", async () => {
    const { cache, transport, store, database } = await setUp(SEGMENT_OF_FOUR);
    await store.put([{ page: pageNo(6), bytes: database.page(pageNo(6)) }]);
    await cache.read(pageNo(7));
    expect(transport.asked).toEqual([[7, 5, 8]]);
  });

  it("leaves out pages of the segment that are on the way", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const prefetching = cache.prefetch(pagesNo(8));
    await laterTurn();
    const reading = cache.read(pageNo(6));
    await laterTurn();
    transport.release();
    await Promise.all([prefetching, reading]);
    expect(transport.asked).toEqual([[8], [6, 5, 7]]);
  });

  it("asks for nothing when it is repeated", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    for (const page of pagesNo(6, 6, 5, 7, 8, 6)) await cache.read(page);
    expect(transport.asked).toHaveLength(1);
  });

  it("ends its segment at the end of the database", async () => {
    const { cache, transport } = await setUp({ ...SEGMENT_OF_FOUR, pages: 10 });
    await cache.read(pageNo(10));
    expect(transport.asked).toEqual([[10, 9]]);
  });

  it("asks for one page where a page is larger than a segment", async () => {
    const { cache, transport } = await setUp({ segmentBytes: 1024, pageSize: 65536, pages: 3 });
    await cache.read(pageNo(2));
    expect(transport.asked).toEqual([[2]]);
  });

  it("takes 128 KiB for a segment by default", async () => {
    const { cache, transport } = await setUp();
    await cache.read(pageNo(33));
    expect(transport.asked[0]?.toSorted((a, b) => a - b)).toEqual(
      pagesNo(...Array.from({ length: 32 }, (_, index) => 33 + index)),
    );
  });
});

describe("segments that follow the link", () => {
  const estimated = async (link: LinkEstimate | undefined) => {
    const { transport, ...rest } = await setUp();
    const measured = Object.assign(transport, { linkEstimate: () => link });
    await rest.store.reset(rest.database.shape);
    const { database, store } = rest;
    return {
      transport,
      cache: new SegmentCache({ transport: measured, store, shape: database.shape, segmentBytes: "auto" }),
    };
  };

  it.each([
    ["a link that is not measured", undefined, 32],
    ["50 ms and 2.5 MB a second", { roundTripMs: 50, bytesPerSecond: 2_500_000 }, 32],
    ["10 ms and 1 MB a second", { roundTripMs: 10, bytesPerSecond: 1_000_000 }, 4],
    ["5 ms and 125 MB a second", { roundTripMs: 5, bytesPerSecond: 125_000_000 }, 128],
    ["no round trip at all", { roundTripMs: 0, bytesPerSecond: 1_000_000 }, 4],
    ["a long and very broad link", { roundTripMs: 500, bytesPerSecond: 1_000_000_000 }, 256],
  ])("are of the right size on %s", async (_, link, pages) => {
    const { cache, transport } = await estimated(link);
    await cache.read(pageNo(1));
    expect(transport.asked[0]).toHaveLength(Math.min(100, pages));
    expect(cache.linkEstimate()).toEqual(link);
  });
});

describe("what is wanted in the same turn", () => {
  it("shares one request, the demanded pages first and in the order met", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    const prefetching = cache.prefetch(pagesNo(50, 22, 40));
    await Promise.all([cache.read(pageNo(21)), cache.read(pageNo(6)), cache.read(pageNo(7)), prefetching]);
    expect(transport.asked).toEqual([[21, 6, 7, 22, 23, 24, 5, 8, 50, 40]]);
  });

  it("is one request for 20 readers of a page", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    await Promise.all(Array.from({ length: 20 }, () => cache.read(pageNo(6))));
    await laterTurn();
    expect(transport.requests).toHaveLength(1);
    expect(cache.stats()).toMatchObject({ requests: 1, misses: 20, demandPages: 1, fetchedPages: 4 });
  });

  it("goes into several requests where one would be too large, the demanded page in the first", async () => {
    const { cache, transport } = await setUp({ segmentBytes: 4096, maxRequestPages: 3 });
    await Promise.all([cache.prefetch(pagesNo(1, 2, 3, 4, 5, 6)), cache.read(pageNo(5))]);
    expect(transport.asked).toEqual([
      [5, 1, 2],
      [3, 4, 6],
    ]);
    expect(transport.requests.map((request) => request.urgency)).toEqual(["demand", "prefetch"]);
  });

  it("is gathered for as long as the schedule says", async () => {
    const due: (() => void)[] = [];
    const { cache, transport } = await setUp({ ...SEGMENT_OF_FOUR, schedule: (flush) => due.push(flush) });
    const first = cache.read(pageNo(6));
    await laterTurn();
    const second = cache.read(pageNo(21));
    expect(transport.requests).toHaveLength(0);
    expect(due).toHaveLength(1);
    due[0]?.();
    await Promise.all([first, second]);
    expect(transport.asked).toEqual([[6, 21, 5, 7, 8, 22, 23, 24]]);
  });

  it("drops what is no longer wanted when the turn ends", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    const abort = new AbortController();
    const aborted = cache.read(pageNo(6), { signal: abort.signal }).catch(() => "aborted");
    const dropped = cache.prefetch(pagesNo(50), { signal: abort.signal });
    const kept = cache.read(pageNo(21));
    abort.abort();
    expect(await aborted).toBe("aborted");
    await Promise.all([kept, dropped]);
    expect(transport.asked).toEqual([[21, 22, 23, 24]]);
  });

  it("is served from the store when the pages came there by another way meanwhile", async () => {
    const due: (() => void)[] = [];
    const store = memoryStore();
    const { cache, transport, database } = await setUp({ store, schedule: (flush) => due.push(flush) });
    const reading = cache.read(pageNo(6));
    await store.put([{ page: pageNo(6), bytes: database.page(pageNo(6)) }]);
    due[0]?.();
    expect(await reading).toEqual(database.page(pageNo(6)));
    expect(transport.requests).toHaveLength(0);
  });
});

describe("prefetch", () => {
  it("asks for exactly the pages it is told, in their order", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    await cache.prefetch(pagesNo(9, 3, 4, 3));
    expect(transport.asked).toEqual([[9, 3, 4]]);
    expect(transport.requests[0]?.urgency).toBe("prefetch");
  });

  it("asks for nothing without a remote", async () => {
    const { cache } = await setUp({ transport: undefined });
    await expect(cache.prefetch(pagesNo(1))).resolves.toBeUndefined();
  });
});
