import { isLacunaError } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { parseDatabaseHeader } from "../src/index.ts";
import { patchJournalVersion } from "../src/write/index.ts";
import { makeDatabase, series } from "./sqlite-file.ts";

const plain = makeDatabase(`
  PRAGMA page_size = 1024; PRAGMA user_version = -7; PRAGMA application_id = 252006673;
  CREATE TABLE t(a); INSERT INTO t SELECT randomblob(900) FROM ${series(9)};
  DELETE FROM t WHERE rowid < 5;`);

describe("the database header", () => {
  it("has every field that SQLite wrote", () => {
    expect(plain.header).toMatchObject({
      pageSize: 1024,
      reservedBytes: 0,
      usableSize: 1024,
      writeVersion: 1,
      readVersion: 1,
      pageCount: plain.bytes.length / 1024,
      pageCountIsValid: true,
      freelistCount: 4,
      schemaFormat: 4,
      autoVacuum: "none",
      largestRootPage: undefined,
      textEncoding: "utf-8",
      userVersion: -7,
      applicationId: 252006673,
    });
    expect(plain.header.firstFreelistTrunk).toBeGreaterThan(2);
    expect(plain.header.schemaCookie).toBeGreaterThan(0);
    expect(plain.header.changeCounter).toBe(plain.header.versionValidFor);
    expect(plain.header.sqliteVersion).toBeGreaterThan(3_040_000);
  });

  it("needs the first 100 bytes only", () => {
    expect(parseDatabaseHeader(plain.bytes.subarray(0, 100))).toEqual(plain.header);
  });

  it.each([
    ["UTF-8", "utf-8"],
    ["UTF-16le", "utf-16le"],
    ["UTF-16be", "utf-16be"],
  ])("tells the encoding %s", (pragma, encoding) => {
    expect(makeDatabase(`PRAGMA encoding='${pragma}'; CREATE TABLE t(a)`).header.textEncoding).toBe(encoding);
  });

  it.each([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])("tells page size %i", (pageSize) => {
    const { header } = makeDatabase(`PRAGMA page_size=${pageSize}; CREATE TABLE t(a)`);
    expect(header.pageSize).toBe(pageSize);
  });

  it.each([
    ["NONE", "none"],
    ["FULL", "full"],
    ["INCREMENTAL", "incremental"],
  ])("tells auto-vacuum %s", (pragma, autoVacuum) => {
    const { header } = makeDatabase(`PRAGMA auto_vacuum=${pragma}; CREATE TABLE t(a)`);
    expect(header.autoVacuum).toBe(autoVacuum);
    expect(header.largestRootPage).toBe(autoVacuum === "none" ? undefined : 3);
  });

  it("takes encoding 0 of an empty database for UTF-8", () => {
    const bytes = plain.bytes.slice(0, 100);
    bytes.fill(0, 56, 60);
    expect(parseDatabaseHeader(bytes).textEncoding).toBe("utf-8");
  });

  it("does not believe a page count written at another change", () => {
    const bytes = plain.bytes.slice(0, 100);
    bytes[27] = (bytes[27] as number) + 1;
    expect(parseDatabaseHeader(bytes).pageCountIsValid).toBe(false);
    const empty = plain.bytes.slice(0, 100);
    empty.fill(0, 28, 32);
    expect(parseDatabaseHeader(empty).pageCountIsValid).toBe(false);
  });

  it.each([
    ["99 bytes", plain.bytes.slice(0, 99)],
    ["a wrong magic", plain.bytes.slice(0, 100).fill(0x20, 15, 16)],
    ["page size 1000", plain.bytes.slice(0, 100).fill(3, 16, 17)],
    ["page size 0", plain.bytes.slice(0, 100).fill(0, 16, 18)],
    ["read version 3", plain.bytes.slice(0, 100).fill(3, 19, 20)],
    ["other payload fractions", plain.bytes.slice(0, 100).fill(63, 21, 22)],
  ])("refuses %s", (_, bytes) => {
    expect(() => parseDatabaseHeader(bytes)).toThrow(
      expect.toSatisfy((error) => isLacunaError(error, "NOT_A_DATABASE")),
    );
  });

  it("refuses more reserved bytes than leave 480", () => {
    const bytes = makeDatabase("PRAGMA page_size=512; CREATE TABLE t(a)").bytes.slice(0, 100);
    bytes[20] = 32;
    expect(parseDatabaseHeader(bytes).usableSize).toBe(480);
    bytes[20] = 33;
    expect(() => parseDatabaseHeader(bytes)).toThrow("found 479");
  });

  it("can be told another journal mode", () => {
    const bytes = plain.bytes.slice(0, 100);
    patchJournalVersion(bytes, "wal");
    expect(parseDatabaseHeader(bytes)).toEqual({ ...plain.header, writeVersion: 2, readVersion: 2 });
    patchJournalVersion(bytes, "rollback");
    expect(parseDatabaseHeader(bytes)).toEqual(plain.header);
  });
});
