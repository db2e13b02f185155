import {
  isLacunaError,
  LacunaError,
  type PageNo,
  type PageSource,
  type PrefetchSource,
  pageNo,
} from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { laterTurn } from "./later-turn.ts";
import { RecordingTransport } from "./recording-transport.ts";
import { allPages, patternDatabase } from "./remote-database.ts";

/** A page source under test and what ends it. */
export interface OpenedPageSource<S extends PageSource = PageSource> {
  readonly source: S;
  /** Closes what the source stands on; reading must then fail with `CLOSED`. */
  close(): Promise<void>;
}

/** How the suite gets at an implementation. */
export interface PageSourceSubject<S extends PageSource = PageSource> {
  readonly name: string;
  /** A new source of the pages that `transport` serves, with none of them resident. */
  open(transport: RecordingTransport): Promise<OpenedPageSource<S>>;
}

const PAGES = 40;

/** The promises of `PageSource`, one test each. */
export function describePageSource(subject: PageSourceSubject): void {
  describe(`${subject.name} as a PageSource`, () => {
    const database = patternDatabase(PAGES, { pageSize: 1024 });
    const setUp = async () => {
      const transport = new RecordingTransport(database);
      return { transport, ...(await subject.open(transport)) };
    };

    it("has the shape of the remote database", async () => {
      const { source, close } = await setUp();
      expect({
        revision: source.revision,
        pageSize: source.pageSize,
        pageCount: source.pageCount,
      }).toEqual(database.shape);
      await close();
    });

    it("reads every page as the remote has it", async () => {
      const { source, close } = await setUp();
      for (const page of allPages(database.shape)) {
        expect(await source.read(page)).toEqual(database.page(page));
      }
      await close();
    });

    it("peeks at nothing but the right bytes", async () => {
      const { source, close } = await setUp();
      const page = pageNo(7);
      expect(source.peek(page)).toBeUndefined();
      await source.read(page);
      expect(source.peek(page) ?? database.page(page)).toEqual(database.page(page));
      expect(source.peek(pageNo(PAGES + 1))).toBeUndefined();
      await close();
    });

    it("asks for nothing when it peeks", async () => {
      const { source, transport, close } = await setUp();
      for (const page of allPages(database.shape)) source.peek(page);
      await laterTurn();
      expect(transport.requests).toEqual([]);
      await close();
    });

    it("refuses a page outside the database with a RangeError", async () => {
      const { source, transport, close } = await setUp();
      await expect(source.read(pageNo(PAGES + 1))).rejects.toBeInstanceOf(RangeError);
      await expect(source.read(0 as PageNo)).rejects.toBeInstanceOf(RangeError);
      await expect(source.read(1.5 as PageNo)).rejects.toBeInstanceOf(RangeError);
      expect(transport.requests).toEqual([]);
      await close();
    });

    it("shares one fetch among concurrent readers of a page", async () => {
      const { source, transport, close } = await setUp();
      const page = pageNo(9);
      const reads = await Promise.all(Array.from({ length: 20 }, () => source.read(page)));
      for (const bytes of reads) expect(bytes).toEqual(database.page(page));
      expect(transport.asked.flat().filter((asked) => asked === page)).toEqual([page]);
      await close();
    });

    it("fails an aborted read with the signal's reason and leaves the other readers alone", async () => {
      const { source, transport, close } = await setUp();
      transport.hold();
      const abort = new AbortController();
      const reason = new Error("no longer wanted");
      const page = pageNo(3);
      const aborted = source.read(page, { signal: abort.signal });
      const other = source.read(page);
      const outcome = aborted.catch((error: unknown) => error);
      await laterTurn();
      abort.abort(reason);
      expect(await outcome).toBe(reason);
      transport.release();
      expect(await other).toEqual(database.page(page));
      await close();
    });

    it("fails a read whose signal is aborted already with its reason", async () => {
      const { source, transport, close } = await setUp();
      const reason = new Error("too late");
      await expect(source.read(pageNo(3), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      await laterTurn();
      expect(transport.requests).toEqual([]);
      await close();
    });

    it("names the page when the remote dropped the revision, and the code stays", async () => {
      const { source, transport, close } = await setUp();
      transport.replace(patternDatabase(PAGES, { pageSize: 1024, revision: "r2" }));
      const error = await source.read(pageNo(5)).catch((thrown: unknown) => thrown);
      expect(isLacunaError(error, "REVISION_CHANGED") && error.page).toBe(5);
      await close();
    });

    it("forgets a failure: the next read tries again", async () => {
      const { source, transport, close } = await setUp();
      transport.misbehave({ error: new LacunaError("NETWORK", "the cable is out") });
      await expect(source.read(pageNo(5))).rejects.toMatchObject({ code: "NETWORK", page: 5 });
      expect(await source.read(pageNo(5))).toEqual(database.page(pageNo(5)));
      await close();
    });

    it("reads with any hint what it reads without", async () => {
      const { source, close } = await setUp();
      expect(await source.read(pageNo(1), { hint: "scan" })).toEqual(database.page(pageNo(1)));
      expect(await source.read(pageNo(2), { hint: "point" })).toEqual(database.page(pageNo(2)));
      await close();
    });

    it("ends a waiting read with CLOSED when it is closed, and every later one", async () => {
      const { source, transport, close } = await setUp();
      transport.hold();
      const waiting = source.read(pageNo(4)).catch((error: unknown) => error);
      await laterTurn();
      await close();
      expect(await waiting).toMatchObject({ code: "CLOSED" });
      await expect(source.read(pageNo(4))).rejects.toMatchObject({ code: "CLOSED" });
    });
  });
}

/** The promises of `PrefetchSource`: those of `PageSource`, and those of `prefetch`. */
export function describePrefetchSource(subject: PageSourceSubject<PrefetchSource>): void {
  describePageSource(subject);
  describe(`${subject.name} as a PrefetchSource`, () => {
    const database = patternDatabase(PAGES, { pageSize: 1024 });
    const pages = [pageNo(10), pageNo(12), pageNo(11)];
    const setUp = async () => {
      const transport = new RecordingTransport(database);
      return { transport, ...(await subject.open(transport)) };
    };

    it("brings exactly the pages it is told, so that reading them asks for nothing more", async () => {
      const { source, transport, close } = await setUp();
      await source.prefetch(pages);
      expect(transport.asked.flat().sort()).toEqual([10, 11, 12]);
      for (const page of pages) expect(await source.read(page)).toEqual(database.page(page));
      expect(transport.asked.flat()).toHaveLength(3);
      await close();
    });

    it("holds what it has brought, and nothing else", async () => {
      const { source, transport, close } = await setUp();
      const held = (): boolean[] =>
        [10, 13, 0, PAGES + 1].map(
          (page) => source.holds?.(page as PageNo) ?? source.peek(page as PageNo) !== undefined,
        );
      expect(held()).toEqual([false, false, false, false]);
      await source.prefetch(pages);
      expect(held()).toEqual([true, false, false, false]);
      expect(transport.asked.flat()).toHaveLength(3);
      await close();
    });

    it("leaves out pages that are resident, on the way or outside the database", async () => {
      const { source, transport, close } = await setUp();
      await source.prefetch(pages);
      transport.hold();
      const underWay = source.prefetch([pageNo(13)]);
      await laterTurn();
      const outside = [PAGES + 1, 0, -3, 1.5, Number.NaN] as PageNo[];
      const rest = source.prefetch([...pages, pageNo(13), pageNo(14), ...outside]);
      await laterTurn();
      transport.release();
      await Promise.all([underWay, rest]);
      expect(transport.asked.slice(1)).toEqual([[13], [14]]);
      await close();
    });

    it("is joined by a read of a page it has on the way", async () => {
      const { source, transport, close } = await setUp();
      transport.hold();
      const prefetching = source.prefetch(pages);
      await laterTurn();
      const reading = source.read(pageNo(12));
      await laterTurn();
      transport.release();
      expect(await reading).toEqual(database.page(pageNo(12)));
      await prefetching;
      expect(transport.asked.flat().filter((page) => page === 12)).toEqual([12]);
      await close();
    });

    it("never rejects: not when the remote fails", async () => {
      const { source, transport, close } = await setUp();
      transport.misbehave({ error: new LacunaError("NETWORK", "the cable is out"), afterPages: 1 });
      expect(await source.prefetch(pages)).toBeUndefined();
      expect(await source.read(pageNo(11))).toEqual(database.page(pageNo(11)));
      await close();
    });

    it("never rejects: not when it is aborted before or on the way", async () => {
      const { source, transport, close } = await setUp();
      expect(await source.prefetch(pages, { signal: AbortSignal.abort() })).toBeUndefined();
      await laterTurn();
      expect(transport.requests).toEqual([]);
      transport.hold();
      const abort = new AbortController();
      const prefetching = source.prefetch(pages, { signal: abort.signal });
      await laterTurn();
      abort.abort();
      expect(await prefetching).toBeUndefined();
      await laterTurn();
      expect(transport.requests.map((request) => request.state)).toEqual(["cancelled"]);
      await close();
    });

    it("never rejects: not after close", async () => {
      const { source, transport, close } = await setUp();
      await close();
      expect(await source.prefetch(pages)).toBeUndefined();
      expect(transport.requests).toEqual([]);
    });
  });
}
