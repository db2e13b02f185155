import { open, type PageStats, type Reader } from "lacuna/reader";
import type { Bar, Bench } from "./bench.ts";
import { overEachNetwork, trafficDuring } from "./dictionary-networks.ts";
import { NETWORK_PROFILES } from "./network/profiles.ts";
import {
  type Handler,
  type NetworkProfile,
  SERVER_URL,
  type SimulatedTraffic,
  simulatedNetwork,
} from "./network/simulated-network.ts";

interface Work {
  readonly name: string;
  /** @returns rows read */
  readonly run: (db: Reader) => Promise<number>;
  /** What is promised of it. Bytes count against the pages that were needed. */
  readonly atMost: { readonly requests: number; readonly bytes?: number; readonly excess?: number };
}

async function countRows(rows: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of rows) count++;
  return count;
}

const WORKS: readonly Work[] = [
  {
    name: "a row by row id",
    run: async (db) => ((await db.table("words").get(123_456)) === undefined ? 0 : 1),
    atMost: { requests: 3, bytes: 64 * 1024 },
  },
  {
    name: "a word through its index",
    run: (db) => countRows(db.index("word_idx").range({ from: "lacuna", to: "lacuna" })),
    atMost: { requests: 6, bytes: 64 * 1024 },
  },
  {
    name: "100 words, scattered rows",
    run: (db) => countRows(db.index("word_idx").range({ from: "m", limit: 100 })),
    atMost: { requests: 6, excess: 1.3 },
  },
  {
    name: "10,000 rows by row id",
    run: (db) => countRows(db.table("words").scan({ from: 50_001, to: 60_000 })),
    atMost: { requests: 4, excess: 1.02 },
  },
  {
    name: "every row",
    run: (db) => countRows(db.table("words").scan()),
    atMost: { requests: 16, excess: 1.02 },
  },
  { name: "counting", run: (db) => db.table("words").count(), atMost: { requests: 16, excess: 1.02 } },
];

/** Reading without SQL on a database far away: how close to the pages needed, in how few requests. */
export const readerBench: Bench = {
  name: "reader",
  summary: "tables and indexes read without SQL over simulated networks: requests, bytes and simulated time",
  async run(say) {
    const bars: Bar[] = [];
    const tables = await overEachNetwork(say, async (profile, handler) => {
      const rows: (string | number)[][] = [];
      for (const work of WORKS) {
        const cost = await measure(profile, handler, work);
        rows.push([
          work.name,
          cost.rows,
          cost.requests,
          cost.roundTrips,
          cost.receivedBytes / 1024,
          cost.excess,
          cost.elapsedMs / 1000,
        ]);
        if (profile === NETWORK_PROFILES[0]) bars.push(...barsOf(work, cost));
      }
      const columns = ["work", "rows", "requests", "round trips", "KiB", "fetched / needed", "s"];
      return { title: profile.name, columns, rows };
    });
    return { tables, bars };
  },
};

interface Cost extends SimulatedTraffic {
  readonly rows: number;
  /** Pages fetched for each page that was read. */
  readonly excess: number;
}

function barsOf({ name, atMost }: Work, cost: Cost): Bar[] {
  const bars: Bar[] = [{ what: name, found: cost.requests, atMost: atMost.requests, unit: "requests" }];
  if (atMost.bytes !== undefined) {
    bars.push({ what: name, found: cost.receivedBytes, atMost: atMost.bytes, unit: "bytes" });
  }
  if (atMost.excess !== undefined) {
    bars.push({ what: name, found: cost.excess, atMost: atMost.excess, unit: "pages fetched / needed" });
  }
  return bars;
}

async function measure(profile: NetworkProfile, handler: Handler, { run }: Work): Promise<Cost> {
  const network = simulatedNetwork(profile, handler);
  const db = await open(SERVER_URL, { remote: "sync-server", fetch: network.fetch });
  try {
    await db.schema();
    const before = fetchedAndUnread(db.stats());
    const { result: rows, traffic } = await trafficDuring(network, () => run(db));
    const after = fetchedAndUnread(db.stats());
    const fetched = after.fetched - before.fetched;
    const needed = fetched - (after.unread - before.unread);
    return { ...traffic, rows, excess: needed === 0 ? 1 : fetched / needed };
  } finally {
    await db.close();
  }
}

const fetchedAndUnread = ({ cache }: PageStats): { fetched: number; unread: number } => ({
  fetched: cache.fetchedPages,
  unread: cache.prefetch.unread + cache.segment.unread,
});
