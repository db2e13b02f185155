import { type PageNo, pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { connect, type Database } from "lacuna";
import { type BenchServer, openBenchServer, type Traffic } from "./bench-server.ts";

const PAGE_BYTES = 4096;
const TABLE = "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL)";

async function during(server: BenchServer, work: () => Promise<unknown>): Promise<Traffic> {
  server.reset();
  await work();
  return { ...server.traffic };
}

/** What a push of `rows` rows costs that were inserted in `transactions` transactions. */
export async function pushCost(rows: number, transactions: number): Promise<Traffic> {
  const server = await openBenchServer(TABLE);
  let db: Database | undefined;
  try {
    db = await connect({ path: ":memory:", url: server.url, fetch: server.fetch });
    const each = rows / transactions;
    for (let i = 0; i < transactions; i++) {
      await db.run(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${each})
         INSERT INTO note(body) SELECT printf('note %d of transaction %d', i, ${i}) FROM n`,
      );
    }
    const pushed = db;
    const cost = await during(server, () => pushed.push());
    const [found] = server.database.prepare("SELECT count(*) AS n FROM note").all();
    if (found?.["n"] !== rows) throw new Error(`${rows} rows pushed, ${found?.["n"]} arrived`);
    return cost;
  } finally {
    await db?.close();
    await server.close();
  }
}

/** What a pull cost, and what it was for. */
export interface PullCost extends Traffic {
  readonly pages: number;
  readonly held: number;
  readonly changed: number;
  /** Pages that were held and changed. */
  readonly both: number;
}

/** What a pull costs where a replica holds one page in a hundred, and one in a hundred has changed: every other of both. */
export async function pullCost(pages: number): Promise<PullCost> {
  const server = await openBenchServer(
    // Four rows to a page.
    `${TABLE}; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${pages * 4})
     INSERT INTO note SELECT i, printf('%.*c', 900, 'x') FROM n`,
  );
  const store = memoryStore();
  let db: Database | undefined;
  try {
    db = await connect({
      path: ":memory:",
      url: server.url,
      fetch: server.fetch,
      store,
      partialSync: {
        bootstrapStrategy: { kind: "prefix", length: PAGE_BYTES },
        segmentSize: PAGE_BYTES,
        prefetch: false,
      },
    });
    for (let page = 0; page < pages; page += 100)
      await db.all("SELECT body FROM note WHERE id = ?", page * 4 + 2);
    const held = store.resident();
    const before = server.database.serialize();
    const change = server.database.prepare("UPDATE note SET body = replace(body, 'x', 'y') WHERE id = ?");
    server.database.exec("BEGIN");
    for (let page = 0; page < pages; page += 100) change.run((page + (page % 200 === 0 ? 0 : 50)) * 4 + 2);
    server.database.exec("COMMIT");
    const changed = changedPages(before, server.database.serialize());
    const facts = {
      pages: before.byteLength / PAGE_BYTES,
      held: held.size,
      changed: changed.length,
      both: changed.filter((page) => held.has(page)).length,
    };
    const replica = db;
    const cost = await during(server, () => replica.pull());
    const found = (await db.get("SELECT body FROM note WHERE id = 2")) as { body: string } | undefined;
    if (found?.body[0] !== "y") throw new Error("a change did not arrive");
    return { ...facts, ...cost };
  } finally {
    await db?.close();
    await server.close();
  }
}

function changedPages(before: Uint8Array, after: Uint8Array): PageNo[] {
  const changed: PageNo[] = [];
  for (let at = 0; at < before.byteLength; at += PAGE_BYTES) {
    const same =
      Buffer.compare(before.subarray(at, at + PAGE_BYTES), after.subarray(at, at + PAGE_BYTES)) === 0;
    if (!same) changed.push(pageNo(at / PAGE_BYTES + 1));
  }
  return changed;
}
