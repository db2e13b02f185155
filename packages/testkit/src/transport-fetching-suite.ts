import { type PageEntry, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  ascending,
  collect,
  expectNothingOpen,
  expectPages,
  fetch,
  numbersOf,
  pages,
  revisionOf,
  type TransportStarter,
  type TransportSubject,
  when,
} from "./transport-subject.ts";

/** The promises about `fetchPages`. */
export function describeFetching(subject: TransportSubject, { start }: TransportStarter): void {
  const { capabilities } = subject;

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
        // By the second time a transport has seen what the remote can do.
        await fetch(transport, asked);
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
}
