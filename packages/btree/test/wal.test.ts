import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { parseJournalHeader } from "../src/journal/index.ts";
import { parseWalHeader, WalIndex, WalWriter } from "../src/wal/index.ts";
import { inTemporaryDirectory, series } from "./sqlite-file.ts";

/** Reads a log as a process does that does not own it: in chunks, from where it stopped. */
function refresh(log: WalIndex, file: Uint8Array, chunkBytes = 1 << 16): number {
  let reads = 0;
  let at = log.begin(file.subarray(0, 32));
  for (let next = at; ; at = next) {
    reads++;
    next = log.append(file.subarray(at, at + chunkBytes));
    if (next === at) return reads;
  }
}

/** Applies a log to the database file, as a checkpoint does. */
function overlay(log: WalIndex, wal: Uint8Array, main: Uint8Array): Uint8Array {
  const { pageSize } = log.header as { pageSize: number };
  const whole = new Uint8Array((log.lastCommit?.pageCount ?? 0) * pageSize);
  whole.set(main.subarray(0, whole.length));
  for (const page of log.pages) {
    const offset = log.offsetOf(page) as number;
    whole.set(wal.subarray(offset, offset + pageSize), (page - 1) * pageSize);
  }
  return whole;
}

function withWal(work: (db: DatabaseSync, path: string) => void): void {
  inTemporaryDirectory((directory) => {
    const path = join(directory, "w.db");
    const db = new DatabaseSync(path);
    db.exec("PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(a)");
    work(db, path);
    db.close();
  });
}

describe("the index of a write-ahead log", () => {
  it("gives the state that a checkpoint gives, in chunks of any size", () => {
    withWal((db, path) => {
      db.exec(`INSERT INTO t SELECT randomblob(300) FROM ${series(50)}`);
      db.exec("UPDATE t SET a = randomblob(200) WHERE rowid % 3 = 0");
      const wal = readFileSync(`${path}-wal`);
      const main = readFileSync(path);
      const [small, large] = [new WalIndex(), new WalIndex()];
      refresh(small, wal, 1024 + 24);
      refresh(large, wal, wal.length);
      expect(small.snapshot()).toEqual(large.snapshot());
      const whole = overlay(small, wal, main);
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      expect(Buffer.from(whole).equals(readFileSync(path))).toBe(true);
    });
  });

  it("goes on from the last commit when the log grew", () => {
    withWal((db, path) => {
      db.exec(`INSERT INTO t SELECT randomblob(900) FROM ${series(20)}`);
      const log = new WalIndex();
      refresh(log, readFileSync(`${path}-wal`));
      const before = log.lastCommit;
      const snapshot = log.snapshot();
      expect(before?.pageCount).toBe(22);
      db.exec("INSERT INTO t VALUES (1)");
      const wal = readFileSync(`${path}-wal`);
      expect(log.begin(wal.subarray(0, 32))).toBe(before?.end);
      expect(log.append(wal.subarray(before?.end))).toBe(wal.length);
      expect(log.lastCommit?.frameCount).toBeGreaterThan(before?.frameCount ?? 0);
      expect(log.lastCommit?.end).toBe(wal.length);
      expect(snapshot.commit).toBe(before);
      expect([...snapshot.offsets.values()].every((offset) => offset < (before?.end ?? 0))).toBe(true);
    });
  });

  it("notices that the log was started again, and leaves old frames behind its new end alone", () => {
    withWal((db, path) => {
      db.exec(`INSERT INTO t SELECT randomblob(900) FROM ${series(20)}`);
      const log = new WalIndex();
      refresh(log, readFileSync(`${path}-wal`));
      const { salt1 } = log.header ?? {};
      db.exec("PRAGMA wal_checkpoint(RESTART)");
      db.exec("INSERT INTO t VALUES (1)");
      const wal = readFileSync(`${path}-wal`);
      refresh(log, wal);
      expect(log.header?.salt1).not.toBe(salt1);
      expect(log.lastCommit?.end).toBeLessThan(wal.length);
      expect(log.size).toBeLessThan(5);
    });
  });

  it("holds back a transaction without its commit frame, and reads it anew when it is rewritten", () => {
    withWal((db, path) => {
      db.exec(`PRAGMA cache_size=10; BEGIN; INSERT INTO t SELECT randomblob(900) FROM ${series(99)}`);
      const log = new WalIndex();
      const spilled = readFileSync(`${path}-wal`);
      refresh(log, spilled);
      const { commit } = log.snapshot();
      expect(spilled.length).toBeGreaterThan((commit?.end ?? 0) + 1048);
      expect(commit?.pageCount).toBe(2);
      expect(log.size).toBe(2);
      db.exec("ROLLBACK; INSERT INTO t VALUES (zeroblob(5000))");
      const wal = readFileSync(`${path}-wal`);
      refresh(log, wal);
      expect(log.lastCommit?.frameCount).toBeGreaterThan(commit?.frameCount ?? 0);
      const whole = overlay(log, wal, readFileSync(path));
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      expect(Buffer.from(whole).equals(readFileSync(path))).toBe(true);
    });
  });

  it("stops at every torn or changed byte without losing the commits before it", () => {
    withWal((db, path) => {
      db.exec("INSERT INTO t VALUES (1)");
      const good = readFileSync(`${path}-wal`);
      const known = new WalIndex();
      refresh(known, good);
      db.exec("INSERT INTO t VALUES (2)");
      const wal = readFileSync(`${path}-wal`);
      for (let at = good.length; at < wal.length; at += 37) {
        for (const damaged of [
          wal.subarray(0, at),
          Uint8Array.from(wal).fill(0xa5 ^ (wal[at] ?? 0), at, at + 1),
        ]) {
          const log = new WalIndex();
          refresh(log, damaged);
          expect(log.snapshot()).toEqual(known.snapshot());
        }
      }
    });
  });

  it("is empty for a log without a valid header", () => {
    const log = new WalIndex();
    for (const bytes of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(5000)]) {
      expect(refresh(log, bytes)).toBe(1);
      expect(log.header).toBeUndefined();
      expect(log.lastCommit).toBeUndefined();
      expect(log.offsetOf(pageNo(1))).toBeUndefined();
    }
  });
});

describe("a written log", () => {
  it.each(["little", "big"] as const)("with %s-endian checksums is what SQLite recovers", (checksumOrder) => {
    inTemporaryDirectory((directory) => {
      const path = join(directory, "source.db");
      const db = new DatabaseSync(path);
      db.exec("PRAGMA page_size=1024; PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
      db.exec(`INSERT INTO t SELECT value FROM ${series(2000)}`);
      db.close();
      const main = readFileSync(path);
      const writer = new WalWriter({
        pageSize: 1024,
        checksumOrder,
        checkpointSequence: 3,
        salt1: 0xdeadbeef,
        salt2: 7,
      });
      const header = writer.headerBytes();
      expect(parseWalHeader(header)).toEqual({ ...writer.header, checksum: writer.checksum });
      const pageCount = main.length / 1024;
      const frames = Array.from({ length: pageCount }, (_, index) => {
        const page = main.subarray(index * 1024, (index + 1) * 1024);
        return writer.frame(pageNo(index + 1), page, index === pageCount - 1 ? pageCount : 0);
      });
      const wal = Buffer.concat([header, ...frames]);
      const log = new WalIndex();
      refresh(log, wal);
      expect(log.lastCommit).toEqual({
        pageCount,
        frameCount: pageCount,
        end: wal.length,
        checksum: writer.checksum,
      });
      const recovered = join(directory, "recovered.db");
      writeFileSync(recovered, main.subarray(0, 1024));
      writeFileSync(`${recovered}-wal`, wal);
      const reopened = new DatabaseSync(recovered);
      expect(reopened.prepare("SELECT count(*) n, sum(a) s FROM t").get()).toEqual({ n: 2000, s: 2001000 });
      expect(reopened.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
      reopened.close();
    });
  });

  it("takes whole pages only", () => {
    const header = {
      pageSize: 512,
      checksumOrder: "little",
      checkpointSequence: 0,
      salt1: 1,
      salt2: 2,
    } as const;
    expect(() => new WalWriter(header).frame(pageNo(1), new Uint8Array(511))).toThrow(RangeError);
  });
});

describe("a rollback journal", () => {
  it("is seen while a transaction is open, and gone from a wiped header", () => {
    inTemporaryDirectory((directory) => {
      const path = join(directory, "j.db");
      const db = new DatabaseSync(path);
      db.exec("PRAGMA page_size=1024; PRAGMA journal_mode=PERSIST; CREATE TABLE t(a); PRAGMA cache_size=2");
      db.exec(`INSERT INTO t SELECT randomblob(900) FROM ${series(50)}`);
      const wiped = firstBytes(`${path}-journal`, 512);
      expect(wiped).toHaveLength(512);
      expect(parseJournalHeader(wiped)).toBeUndefined();
      db.exec("BEGIN; UPDATE t SET a = randomblob(900)");
      expect(parseJournalHeader(firstBytes(`${path}-journal`, 512))).toMatchObject({
        initialPageCount: 52,
        pageSize: 1024,
        sectorSize: 512,
      });
      db.exec("ROLLBACK");
      db.close();
    });
  });
});

function firstBytes(path: string, count: number): Uint8Array {
  const file = openSync(path, "r");
  const bytes = new Uint8Array(count);
  const read = readSync(file, bytes, 0, count, 0);
  closeSync(file);
  return bytes.subarray(0, read);
}
