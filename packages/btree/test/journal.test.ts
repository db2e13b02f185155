import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { JournalIndex, namesSuperJournal } from "../src/journal/index.ts";
import { seeded } from "./fuzz/random.ts";
import { inTemporaryDirectory, series } from "./sqlite-file.ts";

interface Crash {
  /** The database file in the middle of a transaction. */
  readonly main: Buffer;
  readonly journal: Buffer;
}

const FILL = `CREATE TABLE t(a); CREATE TABLE u(a); INSERT INTO t SELECT randomblob(900) FROM ${series(40)}`;

/** The files as a crash in the middle of a transaction leaves them. */
function crashed(pragmas = "", change = "UPDATE t SET a = randomblob(900)", before = FILL): Crash {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, "j.db");
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA page_size = 1024; ${pragmas}; ${before}`);
    db.exec(`PRAGMA cache_size = 2; BEGIN; ${change}`);
    const files = { main: readFileSync(path), journal: readFileSync(`${path}-journal`) };
    db.exec("ROLLBACK");
    db.close();
    return files;
  });
}

/** What SQLite makes of the files; `undefined` if it makes them longer than a test can read. */
function rolledBack({ main, journal }: Crash): Uint8Array | undefined {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, "j.db");
    writeFileSync(path, main);
    writeFileSync(`${path}-journal`, journal);
    const db = new DatabaseSync(path);
    try {
      db.exec("PRAGMA synchronous = OFF; SELECT count(*) FROM sqlite_schema");
    } catch {
      // What was rolled back need not be a database.
    }
    db.close();
    return statSync(path).size > 1 << 24 ? undefined : readFileSync(path);
  });
}

function indexOf(journal: Uint8Array, pageSize: number, chunkBytes = 1 << 20): JournalIndex {
  const index = new JournalIndex(journal.subarray(0, 28), journal.length, pageSize);
  for (let at = index.next; at !== undefined; at = index.next)
    index.append(journal.subarray(at, at + chunkBytes));
  return index;
}

/** The database with the pages of the journal, as long as the journal says. */
function overlaid({ main, journal }: Crash, chunkBytes?: number): Uint8Array {
  const index = indexOf(journal, 1024, chunkBytes);
  const { header, pageSize } = index;
  if (header === undefined) return main;
  const whole = new Uint8Array(header.initialPageCount * pageSize);
  whole.set(main.subarray(0, whole.length));
  for (const page of index.pages) {
    const offset = index.offsetOf(page) ?? Number.NaN;
    whole.set(journal.subarray(offset, offset + pageSize), (page - 1) * pageSize);
  }
  return whole;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe("the index of a rollback journal", () => {
  it.each([
    ["of one segment", crashed("PRAGMA synchronous = OFF")],
    ["of many segments", crashed()],
    ["of a transaction that made the file longer", crashed("", `INSERT INTO u SELECT a || a FROM t`)],
    ["of the first transaction", crashed("", FILL, "")],
  ])("gives the state that SQLite rolls back to, in chunks of any size, %s", (_, files) => {
    const expected = rolledBack(files) as Uint8Array;
    expect(same(overlaid(files), expected)).toBe(true);
    expect(same(overlaid(files, 1024 + 8), expected)).toBe(true);
    expect(same(overlaid(files, 3000), expected)).toBe(true);
  });

  it("reads the segments that there are", () => {
    const { journal } = crashed();
    const magics = journal.toString("latin1").split(journal.toString("latin1", 0, 8)).length - 1;
    expect(magics).toBeGreaterThan(3);
    expect(new DataView(journal.buffer, journal.byteOffset).getUint32(8)).toBeLessThan(40);
    expect([...indexOf(journal, 1024).pages].length).toBeGreaterThan(20);
  });

  it("stops where the journal was cut, as SQLite does", () => {
    const files = crashed("PRAGMA synchronous = OFF");
    for (const bytes of [511, 512, 513, 600, 1543, 1544, 1545, 5000, files.journal.length - 1]) {
      const cut = { main: files.main, journal: files.journal.subarray(0, bytes) };
      expect([bytes, same(overlaid(cut), rolledBack(cut) as Uint8Array)]).toEqual([bytes, true]);
    }
  });

  it("ends when the file turns out shorter than it was", () => {
    const { journal } = crashed();
    const index = new JournalIndex(journal, journal.length, 1024);
    index.append(journal.subarray(index.next, 3000));
    index.append(new Uint8Array(0));
    expect(index.next).toBeUndefined();
  });

  it("takes the page size of the database where an old writer left it out", () => {
    const { journal } = crashed();
    const old = Uint8Array.from(journal);
    old.fill(0, 24, 28);
    expect(indexOf(old, 1024).offsetOf(pageNo(2))).toBe(indexOf(journal, 512).offsetOf(pageNo(2)));
  });

  it("agrees with SQLite about damaged journals", () => {
    const random = seeded(20);
    const sound = [crashed("PRAGMA synchronous = OFF"), crashed()].map((files) => ({
      ...files,
      before: rolledBack(files) as Uint8Array,
    }));
    let changed = 0;
    for (let number = 0; number < 120; number++) {
      const { main, journal, before } = random.pick(sound);
      const damaged = Buffer.from(journal);
      // Headers and the words around pages decide; bytes within pages are mostly not looked at.
      const record = 512 + 1032 * random.int(20);
      const at = random.pick([random.int(28), record + random.int(4), record + 1028 + random.int(4), record]);
      const where = at + (random.int(3) === 0 ? random.int(1000) : 0);
      damaged[where] = (damaged[where] ?? 0) ^ (1 << random.int(8));
      const files = { main, journal: damaged };
      const expected = rolledBack(files);
      if (expected === undefined) continue;
      if (!same(expected, before)) changed++;
      expect([number, at, same(overlaid(files), expected)]).toEqual([number, at, true]);
    }
    expect(changed).toBeGreaterThan(20);
  });
});

describe("the name of a super-journal", () => {
  it("is found where SQLite finds it: it rolls nothing back when that file is gone", () => {
    const { main, journal } = crashed();
    for (const name of ["gone", "g\u00f6ne"]) {
      const named = Buffer.concat([journal, superJournal(name)]);
      expect(namesSuperJournal(named)).toBe(true);
      expect(namesSuperJournal(named.subarray(-30))).toBe(true);
      expect(same(rolledBack({ main, journal: named }) as Uint8Array, main)).toBe(true);
      named.writeUInt8(named.readUInt8(named.length - 18) ^ 1, named.length - 18);
      expect(namesSuperJournal(named)).toBe(false);
      expect(same(rolledBack({ main, journal: named }) as Uint8Array, main)).toBe(false);
    }
  });

  it("is not found elsewhere", () => {
    const { journal } = crashed();
    expect(namesSuperJournal(journal)).toBe(false);
    expect(namesSuperJournal(new Uint8Array(0))).toBe(false);
  });
});

/** What the commit of a transaction over several files adds to the journal of each. */
function superJournal(name: string): Uint8Array {
  const text = Buffer.from(name);
  const bytes = Buffer.alloc(4 + text.length + 16);
  bytes.writeUInt32BE(0x4000_0000 / 1024 + 1);
  text.copy(bytes, 4);
  bytes.writeUInt32BE(text.length, 4 + text.length);
  bytes.writeInt32BE(
    text.reduce((sum, byte) => sum + ((byte << 24) >> 24), 0),
    8 + text.length,
  );
  Buffer.from("d9d505f920a163d7", "hex").copy(bytes, 12 + text.length);
  return bytes;
}
