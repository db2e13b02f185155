import {
  type Bootstrap,
  isLacunaError,
  type PageEntry,
  type PageNo,
  type PageRange,
  pageNo,
  type Revision,
  rangesInOrder,
  type Transport,
} from "@lacuna/page";
import { describe, expect, it, onTestFinished } from "vitest";
import { laterTurn } from "./later-turn.ts";

/** A remote that serves one database file. */
export interface TransportRemote {
  /** A new transport to it on every call. */
  transport(): Transport;
  /** Puts another file in the place of the one served. */
  replace(file: Uint8Array): Promise<void>;
  /** How many answers were neither read to their end nor cancelled, where that can be told. */
  openAnswers?(): number;
  stop(): Promise<void>;
}

export interface TransportSubject {
  readonly name: string;
  readonly capabilities: {
    /** The remote can run the SQL of a query bootstrap. */
    readonly query: boolean;
    /** One `fetchPages` is one request, however far apart its pages are. */
    readonly oneRequest: boolean;
    /** The remote can be made to serve bytes that are no database. */
    readonly anything: boolean;
    /**
     * Pages travel deflated, in pieces of the remote's making. What tells the pieces apart costs a request of its own, once,
     * and an opening that brings pages brings those that come with it too.
     * @default false
     */
    readonly packed?: boolean | undefined;
  };
  /**
   * A database file made by SQLite with a table `t(id INTEGER PRIMARY KEY, text)` of so many rows, at least 20 pages long.
   * Another `seed` gives other rows in a file of the same length.
   */
  database(options: { readonly pageSize: number; readonly seed?: number }): Uint8Array;
  serve(file: Uint8Array): Promise<TransportRemote>;
}

/** Runs every promise of the `Transport` contract against a transport. */
export function describeTransport(subject: TransportSubject): void {
  const { capabilities } = subject;
  const remoteOf = async (file: Uint8Array): Promise<TransportRemote> => {
    const remote = await subject.serve(file);
    onTestFinished(() => remote.stop());
    return remote;
  };
  const start = async (pageSize = 4096): Promise<Started> => {
    const file = subject.database({ pageSize });
    const remote = await remoteOf(file);
    const transport = remote.transport();
    onTestFinished(() => transport.close());
    return { file, remote, transport, pageSize, pageCount: file.length / pageSize };
  };

  describe(`${subject.name} as a Transport`, () => {
    describe("open", () => {
      it.each([512, 4096, 65_536])(
        "tells the shape of a database with pages of %i bytes",
        async (pageSize) => {
          const { transport, pageCount } = await start(pageSize);
          const { shape, pages } = await transport.open();
          await collect(pages);
          expect(shape).toEqual({ revision: shape.revision, pageSize, pageCount });
          expect(shape.revision).not.toBe("");
        },
      );

      it("tells the same revision as long as the database stays the same", async () => {
        const { remote, transport } = await start();
        expect(await revisionOf(remote.transport())).toBe(await revisionOf(transport));
      });

      it.each([512, 4096, 65_536])(
        "brings little, and only pages of %i bytes of the database, when nothing is asked for",
        async (pageSize) => {
          const { file, transport } = await start(pageSize);
          const { pages } = await transport.open({ bootstrap: { kind: "none" } });
          const entries = await collect(pages);
          expect(entries.length * pageSize).toBeLessThanOrEqual(Math.max(pageSize, 4096));
          expect(new Set(numbersOf(entries)).size).toBe(entries.length);
          expectPages(entries, file, pageSize);
        },
      );

      it.each([
        [512, 10_000],
        [4096, 32_768],
        [4096, 10_000],
        [65_536, 131_072],
      ])("brings the pages of %i bytes that start in a prefix of %i", async (pageSize, bytes) => {
        const { file, transport } = await start(pageSize);
        const { pages } = await transport.open({ bootstrap: { kind: "prefix", bytes } });
        const entries = await collect(pages);
        const last = Math.ceil(bytes / pageSize);
        const numbers = numbersOf(entries).filter((page) => capabilities.packed !== true || page <= last);
        expect(numbers.sort(ascending)).toEqual(Array.from({ length: last }, (_, at) => at + 1));
        expect(new Set(numbersOf(entries)).size).toBe(entries.length);
        expectPages(entries, file, pageSize);
      });

      it("brings every page once when the prefix is longer than the database", async () => {
        const { file, transport, pageSize, pageCount } = await start();
        const bootstrap: Bootstrap = { kind: "prefix", bytes: file.length * 3 };
        const { pages } = await transport.open({ bootstrap });
        const entries = await collect(pages);
        expect(entries).toHaveLength(pageCount);
        expectPages(entries, file, pageSize);
      });

      it("brings every page once in a full bootstrap", async () => {
        const { file, transport, pageSize, pageCount } = await start();
        const { pages } = await transport.open({ bootstrap: { kind: "full" } });
        const entries = await collect(pages);
        expect(entries).toHaveLength(pageCount);
        expectPages(entries, file, pageSize);
      });

      it("brings the pages of a query with page 1, or says that it cannot", async () => {
        const { file, transport, pageSize, pageCount } = await start();
        const bootstrap: Bootstrap = { kind: "query", sql: "SELECT * FROM t WHERE id = 1" };
        if (!capabilities.query) {
          await expect(transport.open({ bootstrap })).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
          return;
        }
        const { pages } = await transport.open({ bootstrap });
        const entries = await collect(pages);
        expect(numbersOf(entries)).toContain(1);
        expect(entries.length).toBeLessThan(pageCount);
        expectPages(entries, file, pageSize);
      });

      it("tells of an empty database that it has no pages", async () => {
        const remote = await remoteOf(new Uint8Array(0));
        const { shape, pages } = await remote.transport().open({ bootstrap: { kind: "full" } });
        expect(shape.pageCount).toBe(0);
        expect(await collect(pages)).toEqual([]);
      });

      when(capabilities.anything)("refuses what is no database", async () => {
        const remote = await remoteOf(new Uint8Array(20_000).fill(65));
        await expect(remote.transport().open()).rejects.toMatchObject({ code: "NOT_A_DATABASE" });
        await expectNothingOpen(remote);
      });

      when(capabilities.anything)("refuses a database that is cut short", async () => {
        const file = subject.database({ pageSize: 4096 });
        const remote = await remoteOf(file.subarray(0, file.length - 5000));
        await expect(remote.transport().open()).rejects.toMatchObject({ code: "CORRUPT_PAGE" });
        await expectNothingOpen(remote);
      });

      it("leaves nothing open when its pages are ended before they are begun", async () => {
        const { remote, transport } = await start();
        const { pages } = await transport.open({ bootstrap: { kind: "full" } });
        await pages[Symbol.asyncIterator]().return?.();
        await expectNothingOpen(remote);
        expect(await collect(pages)).toEqual([]);
      });

      it("leaves nothing open when its pages are ended in the middle", async () => {
        const { remote, transport } = await start();
        const { pages } = await transport.open({ bootstrap: { kind: "full" } });
        for await (const batch of pages) if (numbersOf(batch).includes(pageNo(2))) break;
        await expectNothingOpen(remote);
      });
    });

    describe("fetchPages", () => {
      it("gives each page asked for once, with its own bytes", async () => {
        const { file, transport, pageSize, pageCount } = await start();
        const asked = pages(7, 3, 4, 5, pageCount, 1);
        const entries = await fetch(transport, asked);
        expect(numbersOf(entries).sort(ascending)).toEqual([1, 3, 4, 5, 7, pageCount]);
        expectPages(entries, file, pageSize);
      });

      it.each([512, 65_536])("gives pages of %i bytes", async (pageSize) => {
        const { file, transport } = await start(pageSize);
        const entries = await fetch(transport, pages(2, 19));
        expect(numbersOf(entries).sort(ascending)).toEqual([2, 19]);
        expectPages(entries, file, pageSize);
      });

      it("serves a revision that another transport was told", async () => {
        const { file, remote, transport, pageSize } = await start();
        const revision = await revisionOf(remote.transport());
        const entries = await collect(
          transport.fetchPages({ revision, pages: pages(2, 3), urgency: "demand" }),
        );
        expect(numbersOf(entries)).toEqual([2, 3]);
        expectPages(entries, file, pageSize);
      });

      when(capabilities.packed !== true)(
        "gives what is most urgent first, however far behind the others it lies",
        async () => {
          const { transport, pageCount } = await start();
          const asked = pages(pageCount, 3, 4, 5, 12);
          expect(numbersOf(await fetch(transport, asked))[0]).toBe(pageCount);
        },
      );

      it("takes prefetches like demands", async () => {
        const { transport } = await start();
        const revision = await revisionOf(transport);
        const entries = await collect(
          transport.fetchPages({ revision, pages: pages(9, 10), urgency: "prefetch" }),
        );
        expect(numbersOf(entries)).toEqual([9, 10]);
      });

      it("gives each page at most once, with its own bytes, to a request that takes others", async () => {
        const { file, transport, pageSize } = await start();
        const revision = await revisionOf(transport);
        const request = { revision, pages: pages(9, 3, 6), urgency: "demand", takesOthers: true } as const;
        const entries = await collect(transport.fetchPages(request));
        const numbers = numbersOf(entries);
        expect(numbers).toEqual(expect.arrayContaining([3, 6, 9]));
        expect(new Set(numbers).size).toBe(numbers.length);
        expectPages(entries, file, pageSize);
      });

      it("gives no batch without a page", async () => {
        const { transport } = await start();
        const { shape, pages: opening } = await transport.open({ bootstrap: { kind: "full" } });
        const { revision } = shape;
        const fetching = transport.fetchPages({ revision, pages: pages(2, 3, 15), urgency: "demand" });
        for (const source of [opening, fetching]) {
          const sizes: number[] = [];
          for await (const batch of source) sizes.push(batch.length);
          expect(Math.min(...sizes)).toBeGreaterThan(0);
        }
      });

      it("keeps fetches that go on at once apart", async () => {
        const { file, transport, pageSize } = await start();
        const revision = await revisionOf(transport);
        const all = await Promise.all(
          [2, 5, 8, 11].map((page) =>
            collect(transport.fetchPages({ revision, pages: pages(page, page + 1), urgency: "demand" })),
          ),
        );
        expect(all.map((entries) => numbersOf(entries).sort(ascending))).toEqual([
          [2, 3],
          [5, 6],
          [8, 9],
          [11, 12],
        ]);
        for (const entries of all) expectPages(entries, file, pageSize);
      });

      it("hands over bytes that the receiver may change", async () => {
        const { file, transport, pageSize } = await start();
        for (const { bytes } of await fetch(transport, pages(1, 2, 3))) bytes.fill(0xff);
        expectPages(await fetch(transport, pages(1, 2, 3)), file, pageSize);
      });

      it("ends with REVISION_CHANGED, and without a page, once the database was replaced", async () => {
        const { remote, transport } = await start();
        const revision = await revisionOf(transport);
        await remote.replace(subject.database({ pageSize: 4096, seed: 2 }));
        const came: PageEntry[] = [];
        const failure = await collect(
          transport.fetchPages({ revision, pages: pages(2, 3, 15), urgency: "demand" }),
          came,
        ).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "REVISION_CHANGED" });
        expect(came).toEqual([]);
        await expectNothingOpen(remote);
      });

      it("serves the new revision after that", async () => {
        const { remote, transport, pageSize } = await start();
        const before = await revisionOf(transport);
        const file = subject.database({ pageSize: 4096, seed: 2 });
        await remote.replace(file);
        expect(await revisionOf(transport)).not.toBe(before);
        expectPages(await fetch(transport, pages(2, 3, 15)), file, pageSize);
      });

      it("ends with REVISION_CHANGED for a revision the remote never had", async () => {
        const { transport } = await start();
        const request = { revision: "no such" as never, pages: pages(1), urgency: "demand" as const };
        await expect(collect(transport.fetchPages(request))).rejects.toMatchObject({
          code: "REVISION_CHANGED",
        });
      });

      it("leaves nothing open when it is ended early, and serves on", async () => {
        const { remote, transport, pageCount } = await start();
        const revision = await revisionOf(transport);
        const everything = [{ first: pageNo(1), last: pageNo(pageCount) }];
        const fetching = transport.fetchPages({ revision, pages: everything, urgency: "demand" });
        for await (const batch of fetching) if (numbersOf(batch).includes(pageNo(2))) break;
        await expectNothingOpen(remote);
        expect(numbersOf(await fetch(transport, pages(4)))).toEqual([4]);
      });
    });

    describe("aborting", () => {
      const reason = new Error("the reader left");

      it("rejects open with the reason, before anything is sent", async () => {
        const { transport } = await start();
        await expect(transport.open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        expect(transport.traffic().requests).toBe(0);
      });

      it("rejects fetchPages with the reason, before anything is sent", async () => {
        const { remote, transport } = await start();
        const revision = await revisionOf(remote.transport());
        const fetching = transport.fetchPages(
          { revision, pages: pages(1), urgency: "demand" },
          { signal: AbortSignal.abort(reason) },
        );
        await expect(collect(fetching)).rejects.toBe(reason);
        expect(transport.traffic().requests).toBe(0);
      });

      it("rejects with the reason while the answer is awaited", async () => {
        const { remote, transport } = await start();
        const controller = new AbortController();
        const opening = transport.open({ signal: controller.signal });
        controller.abort(reason);
        await expect(opening).rejects.toBe(reason);
        await expectNothingOpen(remote);
      });

      it("ends a fetch in the middle with the reason, and serves on", async () => {
        const { remote, transport, pageCount } = await start();
        const revision = await revisionOf(transport);
        const everything = [{ first: pageNo(1), last: pageNo(pageCount) }];
        const controller = new AbortController();
        const fetching = transport.fetchPages(
          { revision, pages: everything, urgency: "demand" },
          { signal: controller.signal },
        );
        const reading = (async () => {
          for await (const batch of fetching)
            if (numbersOf(batch).includes(pageNo(2))) controller.abort(reason);
        })();
        await expect(reading).rejects.toBe(reason);
        await expectNothingOpen(remote);
        expect(numbersOf(await fetch(transport, pages(4)))).toEqual([4]);
      });

      it("ends the pages of an opening in the middle with the reason", async () => {
        const { remote, transport } = await start();
        const controller = new AbortController();
        const opening = await transport.open({ bootstrap: { kind: "full" }, signal: controller.signal });
        const reading = (async () => {
          for await (const batch of opening.pages)
            if (numbersOf(batch).includes(pageNo(2))) controller.abort(reason);
        })();
        await expect(reading).rejects.toBe(reason);
        await expectNothingOpen(remote);
      });
    });

    describe("traffic", () => {
      it("is nothing at first", async () => {
        const { transport } = await start();
        expect(transport.traffic()).toEqual({ requests: 0, sentBytes: 0, receivedBytes: 0 });
      });

      it("counts a request for opening and one for a run of pages, and their bytes", async () => {
        const { transport, pageSize } = await start();
        const revision = await revisionOf(transport);
        const opened = transport.traffic();
        expect(opened.requests).toBe(1);
        if (capabilities.packed === true) {
          await collect(transport.fetchPages({ revision, pages: pages(1), urgency: "demand" }));
        }
        const before = transport.traffic();
        expect(before.requests).toBe(capabilities.packed === true ? 2 : 1);
        await collect(transport.fetchPages({ revision, pages: pages(5, 6, 7), urgency: "demand" }));
        const fetched = transport.traffic();
        expect(fetched.requests - before.requests).toBe(1);
        const bytes = fetched.receivedBytes - before.receivedBytes;
        expect(bytes).toBeGreaterThanOrEqual(capabilities.packed === true ? 1 : 3 * pageSize);
        expect(bytes).toBeLessThan(4 * pageSize);
      });

      when(capabilities.oneRequest)("counts one request for pages far apart", async () => {
        const { transport, pageCount } = await start();
        const revision = await revisionOf(transport);
        const before = transport.traffic().requests;
        await collect(transport.fetchPages({ revision, pages: pages(pageCount, 2), urgency: "demand" }));
        expect(transport.traffic().requests - before).toBe(1);
      });

      it("gives counts that stay as they were", async () => {
        const { transport } = await start();
        const before = transport.traffic();
        await revisionOf(transport);
        expect(before.requests).toBe(0);
      });
    });

    describe("close", () => {
      it("ends what comes after it with CLOSED", async () => {
        const { remote, transport } = await start();
        const revision = await revisionOf(remote.transport());
        await transport.close();
        await expect(transport.open()).rejects.toMatchObject({ code: "CLOSED" });
        const fetching = transport.fetchPages({ revision, pages: pages(1), urgency: "demand" });
        await expect(collect(fetching)).rejects.toMatchObject({ code: "CLOSED" });
      });

      it("ends what goes on with CLOSED", async () => {
        const { remote, transport } = await start();
        const { pages } = await transport.open({ bootstrap: { kind: "full" } });
        const reading = (async () => {
          for await (const batch of pages) if (numbersOf(batch).includes(pageNo(2))) await transport.close();
        })();
        const failure = await reading.catch((error: unknown) => error);
        expect(isLacunaError(failure, "CLOSED")).toBe(true);
        await expectNothingOpen(remote);
      });

      it("may be called again", async () => {
        const { transport } = await start();
        await transport.close();
        await transport.close();
      });
    });
  });
}

/** `it` for what the remote can do; what it cannot do is no test. */
const when = (capable: boolean): ((name: string, test: () => Promise<void>) => void) =>
  capable ? (name, test) => it(name, test) : () => {};

interface Started {
  readonly file: Uint8Array;
  readonly remote: TransportRemote;
  readonly transport: Transport;
  readonly pageSize: number;
  readonly pageCount: number;
}

const ascending = (a: number, b: number): number => a - b;
const pages = (...numbers: number[]): PageRange[] => rangesInOrder(numbers.map(pageNo));
const numbersOf = (entries: readonly PageEntry[]): PageNo[] => entries.map(({ page }) => page);

async function collect(
  source: AsyncIterable<readonly PageEntry[]>,
  into: PageEntry[] = [],
): Promise<PageEntry[]> {
  for await (const batch of source) into.push(...batch);
  return into;
}

async function revisionOf(transport: Transport): Promise<Revision> {
  const { shape, pages } = await transport.open();
  await collect(pages);
  return shape.revision;
}

/** The pages at the newest revision. */
async function fetch(transport: Transport, ranges: readonly PageRange[]): Promise<PageEntry[]> {
  const revision = await revisionOf(transport);
  return collect(transport.fetchPages({ revision, pages: ranges, urgency: "demand" }));
}

/** Cancelling may take a turn to arrive, but no more. */
async function expectNothingOpen(remote: TransportRemote): Promise<void> {
  await laterTurn();
  expect(remote.openAnswers?.() ?? 0).toBe(0);
}

function expectPages(entries: readonly PageEntry[], file: Uint8Array, pageSize: number): void {
  for (const { page, bytes } of entries) {
    const expected = file.subarray((page - 1) * pageSize, page * pageSize);
    expect(Buffer.compare(bytes, expected), `bytes of page ${page}`).toBe(0);
  }
}
