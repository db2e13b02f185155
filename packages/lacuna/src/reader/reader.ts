import {
  type DatabaseHeader,
  parseDatabaseHeader,
  parseSchema,
  type Schema,
  SchemaTask,
  type Table,
  treeFormat,
} from "@lacuna/btree";
import { type AbortOptions, closedError, Flight, LacunaError, pageNo } from "@lacuna/page";
import type { PrefetchSnapshot } from "@lacuna/pager";
import type { Replica } from "@lacuna/sync";
import { type PageStats, pageStats } from "../page-stats.ts";
import { IndexReader } from "./index-reader.ts";
import type { Row } from "./row-shape.ts";
import { TableReader } from "./table-reader.ts";
import { wholeTree } from "./tree-range.ts";
import type { Facts, View } from "./view.ts";

const NO_SCHEMA: Schema = parseSchema([]);

/**
 * A database read without SQL: tables by row id or key, indexes by range. Missing pages come when they are needed, and
 * those that a range needs next come along. Every call may be made at any time, also while others are under way.
 */
export class Reader {
  readonly #replica: Replica;
  readonly #bigints: boolean;
  readonly #closing = new AbortController();
  #facts: Facts | undefined;
  #reading: Flight<Facts> | undefined;

  /** @internal */
  constructor(replica: Replica, bigints: boolean) {
    this.#replica = replica;
    this.#bigints = bigints;
  }

  /** One table, also `sqlite_schema`. That it exists is found out by the first call that reads it. */
  table<T = Row>(name: string): TableReader<T> {
    return new TableReader(name, (options) => this.#view(options));
  }

  /** One index. That it exists is found out by the first call that reads it. */
  index<T = Row>(name: string): IndexReader<T> {
    return new IndexReader(name, (options) => this.#view(options));
  }

  /** Every table with its columns, SQLite's own and virtual ones included. */
  async tables(options: AbortOptions = {}): Promise<readonly Table[]> {
    return (await this.schema(options)).tables;
  }

  /** Tables, indexes, views and triggers. */
  async schema(options: AbortOptions = {}): Promise<Schema> {
    return this.#with(options, ({ schema }) => schema);
  }

  /** The database header; `undefined` for a database of no pages. */
  async header(options: AbortOptions = {}): Promise<DatabaseHeader | undefined> {
    return this.#with(options, ({ header }) => header);
  }

  /**
   * The pages themselves at the newest revision, for the walks of `@lacuna/btree`. Release it when done.
   * @throws {LacunaError} `CLOSED`, or what the remote reported
   */
  async snapshot({ signal }: AbortOptions = {}): Promise<PrefetchSnapshot> {
    this.#closing.signal.throwIfAborted();
    signal?.throwIfAborted();
    return this.#replica.pager.snapshot({ signal });
  }

  /** What is here and what it has cost. */
  stats(): PageStats {
    return pageStats(this.#replica.stats());
  }

  /** Ends everything under way with `CLOSED` and gives up the path. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#closing.abort(closedError("the reader"));
    await this.#replica.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #with<T>(options: AbortOptions, use: (view: View) => T): Promise<T> {
    const view = await this.#view(options);
    try {
      return use(view);
    } finally {
      view.snapshot.release();
    }
  }

  /** Facts are read once for a revision. Between a snapshot and its facts the remote may move on: then again. */
  async #view(options: AbortOptions): Promise<View> {
    for (;;) {
      const snapshot = await this.snapshot(options);
      try {
        const facts = await this.#factsNow(snapshot, options.signal);
        if (facts.revision === snapshot.revision) return { ...facts, snapshot, bigints: this.#bigints };
      } catch (error) {
        snapshot.release();
        throw error;
      }
      snapshot.release();
    }
  }

  async #factsNow({ revision }: PrefetchSnapshot, signal: AbortSignal | undefined): Promise<Facts> {
    if (this.#facts?.revision === revision) return this.#facts;
    if (this.#reading === undefined || this.#reading.abandoned) {
      const flight = new Flight(async (unwanted) => {
        try {
          this.#facts = await this.#readFacts(unwanted);
          return this.#facts;
        } finally {
          if (this.#reading === flight) this.#reading = undefined;
        }
      });
      this.#reading = flight;
    }
    return this.#reading.join(signal);
  }

  /** Has a snapshot of its own: the caller that began it may leave before it ends. */
  async #readFacts(signal: AbortSignal): Promise<Facts> {
    const snapshot = await this.snapshot({ signal });
    try {
      const { revision, pageCount, pageSize } = snapshot;
      if (pageCount === 0) {
        const format = { usableSize: pageSize, pageCount, textEncoding: "utf-8" } as const;
        return { revision, header: undefined, format, schema: NO_SCHEMA };
      }
      const first = pageNo(1);
      const header = parseDatabaseHeader(snapshot.peek(first) ?? (await snapshot.read(first, { signal })));
      if (header.pageSize !== pageSize) {
        const message = `expected pages of ${pageSize} bytes, as the remote says, found ${header.pageSize} in the header`;
        throw new LacunaError("CORRUPT_PAGE", message, { page: first, offset: 16 });
      }
      const format = treeFormat(header, pageCount);
      const view = { revision, header, format, schema: NO_SCHEMA, snapshot, bigints: false };
      const reading = wholeTree(view, first, new SchemaTask(header, pageCount), signal);
      await reading.next();
      return { revision, header, format, schema: reading.walk.result };
    } finally {
      snapshot.release();
    }
  }
}
