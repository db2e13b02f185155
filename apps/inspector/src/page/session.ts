import type { PageNo, PageSet, PageStore } from "@lacuna/page";
import { openBrowserStore } from "@lacuna/storage/browser";
import { memoryStore } from "@lacuna/storage/memory";
import { type ConnectOptions, connect, type Database, type DatabaseStats, type PagesEvent } from "lacuna";
import { RequestLog, recordedFetch } from "./network/request-log.ts";
import { type Link, sleep, slowFetch } from "./network/slow-network.ts";
import { PageLedger } from "./pages/page-ledger.ts";
import { readTreeMap, type TreeMap } from "./pages/tree-map.ts";
import type { Cell } from "./query/csv.ts";

/** Where to connect, and how pages are to come. */
export interface SessionOptions {
  readonly url: string;
  readonly partialSync: NonNullable<ConnectOptions["partialSync"]>;
  /** Keep pages in this browser for the next visit. */
  readonly keep: boolean;
  /** Asked for with every request. */
  readonly link: () => Link | undefined;
  /** The address of SQLite's WebAssembly. */
  readonly wasm: URL;
  readonly signal: AbortSignal;
  /** Called whenever there is something new to show; not more than once for what happens together. */
  readonly onChange: () => void;
}

/** What a statement gave and what it cost. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** True if there are more rows, which were not read. */
  readonly more: boolean;
  readonly milliseconds: number;
  readonly requests: number;
  readonly bytes: number;
  readonly pages: number;
}

const TREE_BATCH = 256;

/** A database, with a record of every page and request. */
export class Session {
  readonly url: string;
  readonly log: RequestLog;
  readonly #db: Database;
  readonly #store: PageStore;
  readonly #onChange: () => void;
  #stats: DatabaseStats;
  #ledger: PageLedger;
  #trees: TreeMap | undefined;
  #learning: Promise<void> | undefined;
  #runs = 0;

  private constructor(
    url: string,
    parts: { db: Database; store: PageStore; log: RequestLog; stats: DatabaseStats },
    onChange: () => void,
  ) {
    this.url = url;
    this.log = parts.log;
    this.#db = parts.db;
    this.#store = parts.store;
    this.#stats = parts.stats;
    this.#onChange = onChange;
    this.#ledger = this.#newLedger();
  }

  /** @throws what `connect` throws */
  static async open(options: SessionOptions): Promise<Session> {
    const { url, keep, link, partialSync, wasm, signal, onChange } = options;
    const now = (): number => performance.now();
    const log = new RequestLog();
    // An own function: the platform's must not be called as a method of something else.
    const plain: typeof fetch = (input, init) => fetch(input, init);
    const store = keep ? await openBrowserStore({ path: keptPath(url) }) : memoryStore();
    const keptPages = store.resident().size;
    let session: Session | undefined;
    const early: PagesEvent[] = [];
    const db = await connect({
      path: ":memory:",
      url,
      store,
      partialSync,
      wasm,
      signal,
      fetch: recordedFetch(slowFetch(plain, link, { now, sleep }), log, now),
      onPages: (event) => {
        log.apply(event);
        if (session === undefined) early.push(event);
        else session.#apply(event);
        onChange();
      },
    });
    try {
      const stats = await db.stats();
      log.pageSize = stats.pageSize;
      const largest = log.records.toSorted((a, b) => b.bytes - a.bytes)[0];
      if (largest !== undefined && keptPages === 0) largest.pages = stats.residentPages;
      session = new Session(url, { db, store, log, stats }, onChange);
      for (const event of early) session.#apply(event);
      await session.#learn();
      return session;
    } catch (error) {
      // The replica that is kept could not be opened again otherwise.
      await db.close();
      throw error;
    }
  }

  get ledger(): PageLedger {
    return this.#ledger;
  }

  /** `undefined` until the schema is here. */
  get trees(): TreeMap | undefined {
    return this.#trees;
  }

  /** As of the last statement. */
  get stats(): DatabaseStats {
    return this.#stats;
  }

  /** Statements run so far; the number of the last one. */
  get runs(): number {
    return this.#runs;
  }

  /**
   * Runs one statement and reads its first rows.
   * @throws what SQL throws; the signal's reason if aborted
   */
  async run(sql: string, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Answer> {
    this.log.beginRun(++this.#runs);
    const before = this.#stats;
    const sent = this.log.records.length;
    const began = performance.now();
    try {
      const statement = (await this.#db.prepare(sql, { signal })).with({ signal }).raw().safeIntegers();
      const columns = statement.columns().map(({ name }) => name);
      const rows: (readonly Cell[])[] = [];
      let more = false;
      try {
        if (columns.length === 0) await statement.run();
        else {
          for await (const row of statement.iterate<readonly Cell[]>()) {
            more = rows.length === limit;
            if (more) break;
            rows.push(row);
          }
        }
      } finally {
        statement.finalize();
      }
      const milliseconds = performance.now() - began;
      await this.#settle();
      return {
        columns,
        rows,
        more,
        milliseconds,
        requests: this.log.records.length - sent,
        bytes: this.#stats.networkReceivedBytes - before.networkReceivedBytes,
        pages: Math.max(0, this.#stats.cache.fetchedPages - before.cache.fetchedPages),
      };
    } catch (error) {
      await this.#settle();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  /** Looks again for what pages say of trees, while a statement goes on. */
  refreshTrees(): void {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined;
    });
  }

  async #settle(): Promise<void> {
    const { revision } = this.#stats;
    this.#stats = await this.#db.stats();
    if (this.#stats.revision === revision) this.#ledger.endStatement();
    else {
      // The remote has moved on: nothing that is known belongs to what is there now.
      this.#ledger = this.#newLedger();
      this.#trees = undefined;
    }
    await this.#learning;
    await this.#learn();
    this.#onChange();
  }

  #newLedger(): PageLedger {
    const ledger = new PageLedger(this.#stats.pageCount);
    ledger.addLocal(this.#store.resident());
    return ledger;
  }

  #apply(event: PagesEvent): void {
    this.#ledger.apply(event);
  }

  async #learn(): Promise<void> {
    const resident: PageSet = this.#store.resident();
    const get = async (page: PageNo): Promise<Uint8Array | undefined> => (await this.#store.get([page]))[0];
    this.#trees ??= await readTreeMap(this.#stats.pageCount, get);
    const trees = this.#trees;
    if (trees === undefined) return;
    for (;;) {
      const wanted = trees.wanted((page) => resident.has(page)).slice(0, TREE_BATCH);
      if (wanted.length === 0) return;
      for (const [at, bytes] of (await this.#store.get(wanted)).entries()) {
        const page = wanted[at];
        if (page !== undefined) trees.supply(page, bytes ?? new Uint8Array(8));
      }
    }
  }
}

/** Names the replica of a remote in this browser's storage. */
function keptPath(url: string): string {
  return `inspector/${encodeURIComponent(url).replaceAll("%", "_").slice(0, 150)}.db`;
}
