import type { PageNo } from "@lacuna/page";
import type { PrefetchSnapshot, SnapshotSource } from "@lacuna/pager";
import { laterTurn } from "@lacuna/testkit";
import { beforeAll, expect, it } from "vitest";
import { openSqlite, type SqlDatabase } from "../src/index.ts";
import { BytesSource, makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";

const ROWS = 4000;
const LOOKUPS = 300;
/** Pages that the line carries in a round trip. */
const BATCH = 40;
const LOOKUP = "SELECT length(body) AS n FROM t WHERE id = ?";

let bytes: Uint8Array;
beforeAll(() => {
  bytes = makeDatabase((db) => {
    db.exec(`PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);
      CREATE TABLE large(id INTEGER PRIMARY KEY, body TEXT);
      WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${ROWS})
        INSERT INTO t SELECT i, printf('%060d', i) FROM c;
      INSERT INTO large SELECT id, printf('%0400d', id) FROM t;`);
  });
});

/** A source whose snapshots fetch ahead, over a line that was measured or not. */
class Line implements SnapshotSource {
  readonly bytes = new BytesSource(bytes, { resident: "none" });
  /** Pages asked for ahead, by request. */
  readonly asked: (readonly PageNo[])[] = [];
  readonly signals = new Set<AbortSignal>();
  /** Milliseconds on the clock of the reader. */
  now = 0;
  readonly #extra: Partial<PrefetchSnapshot>;

  constructor(extra: Partial<PrefetchSnapshot> = {}) {
    this.#extra = extra;
  }

  snapshot(): PrefetchSnapshot {
    const snapshot = this.bytes.snapshot();
    return Object.assign(snapshot, {
      linkEstimate: () => ({ roundTripMs: 50, bytesPerSecond: (BATCH * 1024 * 1000) / 50 }),
      prefetch: async (pages: readonly PageNo[], options?: { readonly signal?: AbortSignal | undefined }) => {
        const absent = pages.filter((page) => !this.bytes.resident.has(page));
        this.asked.push(absent);
        if (options?.signal !== undefined) this.signals.add(options.signal);
        await laterTurn();
        for (const page of absent) this.bytes.resident.add(page);
      },
      ...this.#extra,
    });
  }
}

/** Looks up one row after the other, each a round trip after the one before. */
async function lookUp(line: Line, db: Pick<SqlDatabase, "get">, count: number, table = "t"): Promise<void> {
  for (let at = 0; at < count; at++) {
    line.now += 50;
    await db.get(LOOKUP.replace("t WHERE", `${table} WHERE`), 1 + ((at * 1597) % ROWS));
  }
}

describeDrivers("a tree in which readers wait again and again", (driver) => {
  const open = (line: Line): Promise<SqlDatabase> =>
    openSqlite({ source: line, driver, now: () => (line.now += 0.001) });

  it("comes whole once that takes no longer than half of all that waiting, and no page twice", async () => {
    const line = new Line();
    const db = await open(line);
    await lookUp(line, db, 10);
    expect(line.asked.flat().length).toBeLessThan(10);
    await lookUp(line, db, LOOKUPS);
    const asked = line.asked.flat();
    expect(asked.length).toBeGreaterThan(200);
    expect(new Set(asked).size).toBe(asked.length);
    // Of about 260 that it takes page by page.
    expect(line.bytes.reads.length).toBeLessThan(130);
    await db.close();
    expect([...line.signals].every(({ aborted }) => aborted)).toBe(true);
  });

  it("comes a batch at a time, each with a wait", async () => {
    const line = new Line();
    const db = await open(line);
    for (let at = 0; at < LOOKUPS; at++) {
      const before = line.bytes.reads.length;
      const asked = line.asked.flat().length;
      line.now += 50;
      await db.get(LOOKUP, 1 + ((at * 1597) % ROWS));
      const waits = line.bytes.reads.length - before;
      expect(line.asked.flat().length - asked).toBeLessThanOrEqual(waits * (BATCH + 2));
    }
    await db.close();
  });

  it.each([
    ["the line was not measured", { linkEstimate: () => undefined }, "t"],
    ["there is little memory for pages", { memoryBytes: 400_000 }, "t"],
    ["it is so large that it would take longer", {}, "large"],
  ])("comes page by page where %s", async (_why, extra, table) => {
    const line = new Line(extra);
    const db = await open(line);
    await lookUp(line, db, 60, table);
    // Interior pages are asked for beside each other all the same.
    expect(line.asked.flat().length).toBeLessThan(130);
    expect(line.bytes.reads.length).toBeGreaterThan(50);
    await db.close();
  });

  it("comes page by page where they all wait at the same time", async () => {
    const line = new Line();
    const db = await open(line);
    await Promise.all(Array.from({ length: 60 }, (_, at) => db.get(LOOKUP, 1 + ((at * 1597) % ROWS))));
    expect(line.asked.flat().length).toBeLessThan(130);
    await db.close();
  });

  it("comes page by page for who has a budget", async () => {
    const line = new Line();
    const db = await open(line);
    await lookUp(line, db.with({ budget: { bytes: 1e9 } }), LOOKUPS);
    expect(line.asked.flat().length).toBeLessThan(40);
    await db.close();
  });
});
