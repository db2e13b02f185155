import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  BtreePage,
  CountTask,
  findByName,
  forEachEntrySync,
  pageKind,
  parseDatabaseHeader,
  RowReader,
  runTaskSync,
  SchemaTask,
  type Table,
  TableWalk,
  treeFormat,
  type Value,
} from "@lacuna/btree";
import type { PageNo } from "@lacuna/page";
import type { Bar, Bench, BenchResult } from "./bench.ts";
import { openOwnMemory } from "./own-memory.ts";
import { timesInTurns } from "./times-in-turns.ts";
import { wordnetFile } from "./wordnet.ts";

const RUNS = 5;
const LARGE_BYTES = 100_000_000;

/** Reading every row and column in TypeScript, beside the official WebAssembly build and the native one. */
export const btreeScanBench: Bench = {
  name: "btree-scan",
  summary: "every row and column without SQL, beside SELECT * through WebAssembly and node:sqlite",
  async run(say) {
    const directory = mkdtempSync(join(tmpdir(), "lacuna-bench-"));
    try {
      const large = join(directory, "large.db");
      makeLarge(large);
      const scans: (string | number)[][] = [];
      const parses: (string | number)[][] = [];
      const bars: Bar[] = [];
      for (const [name, path, table] of [
        ["wordnet", wordnetFile(), "words"],
        ["generated", large, "entry"],
      ] as const) {
        say(`reading ${name}`);
        const scan = await measureScans(path, table);
        scans.push([name, scan.rows, scan.megabytes, scan.ours, scan.wasm, scan.native]);
        bars.push({
          what: `scan of ${name}`,
          found: scan.ours / scan.wasm,
          atMost: 1,
          unit: "× WebAssembly",
        });
        bars.push({
          what: `scan of ${name}`,
          found: scan.ours / scan.native,
          atMost: 2.5,
          unit: "× node:sqlite",
        });
        const parse = await measureParse(openFile(path, table));
        parses.push([name, parse.gigabytesPerSecond, parse.countMilliseconds]);
        bars.push({
          what: `parse of ${name}, pages not decoded`,
          found: 1 / parse.gigabytesPerSecond,
          atMost: 1,
          unit: "s per GB",
        });
      }
      const result: BenchResult = {
        tables: [
          {
            title: `all rows as arrays, fastest of ${RUNS}`,
            columns: ["database", "rows", "MB", "btree ms", "WebAssembly ms", "node:sqlite ms"],
            rows: scans,
          },
          { title: "without decoding", columns: ["database", "parse GB/s", "count ms"], rows: parses },
        ],
        bars,
      };
      return result;
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
};

/** A table with a bit of everything: 100 MB of integers, reals, short and long texts, blobs and NULLs. */
function makeLarge(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(`
    PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;
    CREATE TABLE entry(id INTEGER PRIMARY KEY, user TEXT, title TEXT, score REAL, at INTEGER, note TEXT, data BLOB);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.round(LARGE_BYTES / 219)})
      INSERT INTO entry SELECT i, 'user ' || (i % 997), 'entry number ' || i || ' of many', i / 7.0, 1700000000000 + i * 7,
        iif(i % 3, 'Ein längerer Text, nicht nur ASCII: ' || i, NULL), zeroblob(i % 240) FROM n;`);
  db.close();
}

interface OpenFile {
  readonly table: Table;
  readonly root: PageNo;
  readonly format: ReturnType<typeof treeFormat>;
  readonly pages: readonly Uint8Array[];
  readonly peek: (page: PageNo) => Uint8Array | undefined;
}

function openFile(path: string, tableName: string): OpenFile {
  const bytes = new Uint8Array(readFileSync(path));
  const header = parseDatabaseHeader(bytes);
  const pages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += header.pageSize)
    pages.push(bytes.subarray(at, at + header.pageSize));
  const peek = (page: PageNo): Uint8Array | undefined => pages[page - 1];
  const table = findByName(runTaskSync(new SchemaTask(header, pages.length), peek).tables, tableName);
  if (table?.rootPage === undefined) throw new Error(`expected a table ${tableName} in ${path}`);
  return { table, root: table.rootPage, format: treeFormat(header, pages.length), pages, peek };
}

function scan({ table, root, format, peek }: OpenFile): Value[][] {
  const reader = new RowReader(table);
  const rows: Value[][] = [];
  forEachEntrySync(new TableWalk(format, root), peek, (row) => rows.push(reader.read(row)));
  return rows;
}

interface ScanTimes {
  readonly rows: number;
  readonly megabytes: number;
  readonly ours: number;
  readonly wasm: number;
  readonly native: number;
}

async function measureScans(path: string, tableName: string): Promise<ScanTimes> {
  const file = openFile(path, tableName);
  const sql = `SELECT * FROM ${tableName}`;
  const bytes = new Uint8Array(readFileSync(path));
  const own = await openOwnMemory(bytes);
  const nativeDb = new DatabaseSync(path, { readOnly: true });
  const statement = nativeDb.prepare(sql);
  statement.setReturnArrays(true);
  const counts = new Set<number>();
  const counted = (all: () => readonly unknown[]) => () => counts.add(all().length);
  const times = await timesInTurns(
    {
      ours: counted(() => scan(file)),
      plain: counted(() => own.plainArrays(sql)),
      interface: counted(() => own.withInterface(sql, "array")),
      native: counted(() => statement.all()),
    },
    { runs: RUNS },
  );
  own.close();
  nativeDb.close();
  const [rows] = counts;
  if (counts.size !== 1 || rows === undefined)
    throw new Error("expected the same number of rows from everyone");
  return {
    rows,
    megabytes: bytes.length / 1e6,
    ours: Math.min(...times.ours),
    wasm: Math.min(...times.plain, ...times.interface),
    native: Math.min(...times.native),
  };
}

async function measureParse({ pages, format, root, peek }: OpenFile): Promise<{
  gigabytesPerSecond: number;
  countMilliseconds: number;
}> {
  const trees = [...pages.entries()].filter(
    ([index, page]) => pageKind((index + 1) as PageNo, page) !== undefined,
  );
  const bytes = trees.reduce((sum, [, page]) => sum + page.length, 0);
  const parse = (): number => {
    let cells = 0;
    for (const [index, page] of trees) {
      const view = new BtreePage((index + 1) as PageNo, page, format.usableSize);
      for (let cell = 0; cell < view.cellCount; cell++) if (view.cellOffset(cell) > 0) cells++;
    }
    return cells;
  };
  const times = await timesInTurns(
    { parse, count: () => runTaskSync(new CountTask(format, root), peek) },
    { runs: RUNS },
  );
  return {
    gigabytesPerSecond: bytes / 1e6 / Math.min(...times.parse),
    countMilliseconds: Math.min(...times.count),
  };
}
