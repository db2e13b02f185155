import { readFileSync } from "node:fs";
import { parseDatabaseHeader } from "@lacuna/btree";
import { type PageNo, pageNo, type Revision } from "@lacuna/page";
import { openSqlite } from "@lacuna/sqlite";
import type { ResultRow } from "../systems/system.ts";
import { OPENING, type Statement, type Workload } from "../workloads/workload.ts";
import { dependentLevels } from "./levels.ts";
import { PageRelations } from "./page-relations.ts";

/** What reading ahead cannot be better than. */
export interface LowerBound {
  /** Pages that SQLite touches and that are not here after opening. */
  readonly pages: number;
  readonly bytes: number;
  /** @see dependentLevels; summed over statements that run in turn. */
  readonly levels: number;
}

/** Instances keep every page, so that each is read once. */
const CACHE_BYTES = 268_435_456;

/** A database that is here in full and notes which pages SQLite reads. */
export class TracedDatabase {
  readonly pageSize: number;
  readonly #bytes: Uint8Array;
  readonly #pageCount: number;

  constructor(path: string) {
    this.#bytes = new Uint8Array(readFileSync(path));
    this.pageSize = parseDatabaseHeader(this.#bytes).pageSize;
    this.#pageCount = this.#bytes.length / this.pageSize;
  }

  /** @param prefixBytes what of the file comes at opening */
  async boundOf({ before = [], statements, atOnce }: Workload, prefixBytes: number): Promise<LowerBound> {
    const here = new Set<PageNo>();
    const prefixPages = Math.ceil(prefixBytes / this.pageSize);
    const isHere = (page: PageNo): boolean => page <= prefixPages || here.has(page);
    const traces = await this.#trace([OPENING, ...before, ...statements]);
    const relations = new PageRelations((page) => this.#pageOf(page), this.#pageCount);
    for (const trace of traces.splice(0, 1 + before.length)) {
      dependentLevels(trace, isHere, relations);
      for (const page of trace) here.add(page);
    }
    const needed = new Set<PageNo>();
    let levels = 0;
    for (const trace of traces) {
      const own = dependentLevels(trace, isHere, relations);
      levels = atOnce === true ? Math.max(levels, own) : levels + own;
      for (const page of trace) {
        if (!isHere(page)) needed.add(page);
        if (atOnce !== true) here.add(page);
      }
    }
    return { pages: needed.size, bytes: needed.size * this.pageSize, levels };
  }

  /** The pages that each statement is the first to touch. */
  async #trace(statements: readonly Statement[]): Promise<PageNo[][]> {
    const seen = new Set<PageNo>();
    let trace: PageNo[] = [];
    const peek = (page: PageNo): Uint8Array => {
      if (!seen.has(page)) {
        seen.add(page);
        trace.push(page);
      }
      return this.#pageOf(page);
    };
    const snapshot = {
      revision: "traced" as Revision,
      pageSize: this.pageSize,
      pageCount: this.#pageCount,
      version: 1,
      peek,
      read: async (page: PageNo) => peek(page),
      release: () => {},
    };
    const db = await openSqlite({
      source: { snapshot: () => snapshot },
      cacheBytes: CACHE_BYTES,
      runAhead: false,
    });
    try {
      const traces: PageNo[][] = [];
      for (const { sql, parameters = [] } of statements) {
        trace = [];
        await db.all<ResultRow>(sql, ...parameters);
        traces.push(trace);
      }
      return traces;
    } finally {
      await db.close();
    }
  }

  #pageOf(page: PageNo): Uint8Array {
    const start = (pageNo(page) - 1) * this.pageSize;
    return this.#bytes.subarray(start, start + this.pageSize);
  }
}
