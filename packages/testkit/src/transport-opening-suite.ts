import { type Bootstrap, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  ascending,
  collect,
  expectNothingOpen,
  expectPages,
  numbersOf,
  revisionOf,
  type TransportStarter,
  type TransportSubject,
  when,
} from "./transport-subject.ts";

/** The promises about `open`. */
export function describeOpening(subject: TransportSubject, { remoteOf, start }: TransportStarter): void {
  const { capabilities } = subject;

  describe("open", () => {
    it.each([512, 4096, 65_536])("tells the shape of a database with pages of %i bytes", async (pageSize) => {
      const { transport, pageCount } = await start(pageSize);
      const { shape, pages } = await transport.open();
      await collect(pages);
      expect(shape).toEqual({ revision: shape.revision, pageSize, pageCount });
      expect(shape.revision).not.toBe("");
    });

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
}
