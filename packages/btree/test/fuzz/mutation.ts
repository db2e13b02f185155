import { isLacunaError, type PageNo, pageNo } from "@lacuna/page";
import { CheckTask } from "../../src/check/index.ts";
import {
  CountTask,
  childPages,
  forEachEntrySync,
  IndexWalk,
  pageCountOf,
  parseDatabaseHeader,
  RowReader,
  runTaskSync,
  type Schema,
  SchemaTask,
  TableWalk,
  tableChildren,
  treeFormat,
} from "../../src/index.ts";
import { JournalIndex, namesSuperJournal } from "../../src/journal/index.ts";
import { WalIndex } from "../../src/wal/index.ts";
import { makeDatabase, series } from "../sqlite-file.ts";
import { type Random, seeded } from "./random.ts";

const CONTENT = `
  CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b REAL, c BLOB); CREATE INDEX ta ON t(a DESC, b);
  CREATE TABLE w(k TEXT COLLATE RTRIM, n INT, v, PRIMARY KEY(k, n DESC)) WITHOUT ROWID; CREATE INDEX wv ON w(v);
  INSERT INTO t SELECT value * 3, 'Row ' || (value % 20), value / 2.0, zeroblob(value * 37 % 900) FROM ${series(36)};
  INSERT INTO w SELECT 'key' || substr(hex(zeroblob(400)), 1, value * 13 % 600), value, value FROM ${series(24)};
  ALTER TABLE t ADD COLUMN d INT DEFAULT 7; DELETE FROM t WHERE id % 7 = 0;`;

/** Sound databases of some ten kilobytes, with everything that points somewhere. */
export function soundFiles(): Uint8Array[] {
  const pragmas = [
    "PRAGMA page_size = 512",
    "PRAGMA page_size = 512; PRAGMA auto_vacuum = FULL",
    "PRAGMA page_size = 1024; PRAGMA encoding = 'UTF-16le'",
    "PRAGMA page_size = 2048; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA encoding = 'UTF-16be'",
  ];
  return pragmas.map((pragma) => makeDatabase(`${pragma}; ${CONTENT}`).bytes);
}

/** Changes a few bytes, or cuts, or moves pages about. */
export function mutate(sound: Uint8Array, random: Random): Uint8Array {
  let bytes = sound.slice();
  const { pageSize } = parseDatabaseHeader(sound);
  const pages = sound.length / pageSize;
  const page = (index: number): Uint8Array => sound.subarray(index * pageSize, (index + 1) * pageSize);
  for (let times = 1 + random.int(3); times > 0; times--) {
    const at = random.int(bytes.length);
    switch (random.int(8)) {
      case 0:
        bytes[at] = random.int(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
        break;
      case 2: // Page headers and cell pointers are what everything else hangs on.
        bytes[random.int(pages) * pageSize + random.int(40)] = random.int(256);
        break;
      case 3: // A page number where one may be expected.
        new DataView(bytes.buffer).setUint32(Math.min(at, bytes.length - 4), random.int(pages + 3));
        break;
      case 4:
        bytes.set(
          page(random.int(pages)).slice(0, bytes.length),
          Math.min(random.int(pages) * pageSize, Math.max(0, bytes.length - pageSize)),
        );
        break;
      case 5:
        bytes.fill(random.pick([0, 0xff, 0x80, 1]), at, at + random.int(20));
        break;
      case 6:
        bytes[random.int(100)] = random.int(256);
        break;
      default:
        if (random.oneIn(8)) bytes = bytes.slice(0, Math.max(pageSize, at));
    }
  }
  return bytes;
}

/** Reads whatever can be read. Whatever happens, only errors of ours may come of it. @returns entries read */
export function readEverything(bytes: Uint8Array): number {
  let entries = 0;
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!isLacunaError(error)) throw error;
      return undefined;
    }
  };
  const header = attempt(() => parseDatabaseHeader(bytes));
  if (header === undefined) return 0;
  const { pageSize, usableSize } = header;
  const stored = Math.ceil(bytes.length / pageSize);
  const pageCount = Math.min(pageCountOf(header, bytes.length), stored);
  const peek = (page: PageNo): Uint8Array => bytes.subarray((page - 1) * pageSize, page * pageSize);
  const format = treeFormat(header, pageCount);
  for (let page = 1; page <= pageCount; page++) {
    childPages(pageNo(page), peek(pageNo(page)), usableSize);
    tableChildren(pageNo(page), peek(pageNo(page)), usableSize);
  }
  runTaskSync(new CheckTask(header, pageCount), peek);
  const schema: Schema | undefined = attempt(() => runTaskSync(new SchemaTask(header, pageCount), peek));
  for (const table of schema?.tables ?? []) {
    const root = table.rootPage;
    if (root === undefined || root > pageCount) continue;
    attempt(() => runTaskSync(new CountTask(format, root), peek));
    attempt(() => {
      const reader = new RowReader(table);
      const walk = table.withoutRowid ? new IndexWalk(format, root, table.key) : new TableWalk(format, root);
      forEachEntrySync(walk, peek, (entry) => (entries += reader.read(entry).length));
    });
    attempt(() => {
      const walk = new TableWalk(format, root, { from: 30, to: 100, reverse: true, fields: 2 });
      forEachEntrySync(
        walk,
        peek,
        (row) => walk.upcoming(9).length + Number(row.record.value(0) !== row.rowid),
      );
    });
  }
  for (const index of schema?.indexes ?? []) {
    const root = index.rootPage;
    if (root === undefined || root > pageCount) continue;
    const bound = { key: ["Row 7"], inclusive: false };
    for (const reverse of [false, true]) {
      attempt(() => {
        const walk = new IndexWalk(
          format,
          root,
          index.key.length > 0 ? index.key : [{ collation: "NOCASE", descending: false }],
          { from: bound, reverse },
        );
        forEachEntrySync(walk, peek, (entry) => (entries += entry.record.count + walk.upcoming(9).length));
      });
    }
  }
  return entries;
}

/** Reads bytes as a write-ahead log and as a rollback journal. */
export function readLogs(bytes: Uint8Array): void {
  const log = new WalIndex();
  log.begin(bytes);
  log.append(bytes.subarray(32));
  log.begin(bytes);
  // The bytes of a database, behind the magic of a journal, are its sizes, page numbers and checksums.
  const record = Uint8Array.of(0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7, ...bytes.subarray(16));
  new DataView(record.buffer).setUint32(20, 512);
  new DataView(record.buffer).setUint32(24, 512);
  const journal = new JournalIndex(record, record.length, 1024);
  for (let at = journal.next; at !== undefined; at = journal.next)
    journal.append(record.subarray(at, at + 70_000));
  namesSuperJournal(record);
}

/** Runs cases until one breaks. @returns entries read and the slowest case in milliseconds of processor time, which other work on the machine does not add to */
export function fuzz(cases: number, seed: number): { entries: number; slowest: number } {
  const files = soundFiles();
  let entries = 0;
  let slowest = 0;
  for (let number = 0; number < cases; number++) {
    const random = seeded(seed + number);
    const bytes = mutate(random.pick(files), random);
    const start = process.cpuUsage();
    try {
      entries += readEverything(bytes);
      readLogs(bytes);
    } catch (cause) {
      throw new Error(`case ${seed + number} broke`, { cause });
    }
    const { user, system } = process.cpuUsage(start);
    slowest = Math.max(slowest, (user + system) / 1000);
  }
  return { entries, slowest };
}
