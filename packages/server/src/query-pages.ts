import {
  type AbortOptions,
  isLacunaError,
  LacunaError,
  type PageNo,
  type PageRange,
  PageSet,
} from "@lacuna/page";
import { canSuspend, openSqlite } from "@lacuna/sqlite";
import { firstWord } from "./first-word.ts";
import { Refusal } from "./json-answer.ts";
import type { QueryLimits } from "./query-limits.ts";
import type { ServedView } from "./served-database.ts";

/** Pages read together: what a query reads next mostly lies near. */
const PAGES_AT_A_TIME = 16;
/** Reads kept for what lies near. */
const READS_KEPT = 64;

/**
 * The pages that running a query touches, those of the schema and page 1 among them: with them alone it can be run again.
 * It runs in the official SQLite, in WebAssembly, which can neither write nor reach other files.
 * @throws {Refusal} 400 unless it is one SELECT or WITH statement that runs within the limits
 */
export async function queryPages(
  view: ServedView,
  sql: string,
  limits: QueryLimits,
  { signal }: AbortOptions,
): Promise<PageRange[]> {
  if (!canSuspend()) {
    const needed = "this server's runtime cannot run queries; it needs JavaScript Promise Integration";
    throw new Refusal(400, "NOT_SUPPORTED", needed);
  }
  if (!["SELECT", "WITH"].includes(firstWord(sql))) {
    throw new Refusal(400, "SQL", "one SELECT or WITH statement is expected");
  }
  if (view.pageCount === 0) return [];
  const timeUp = new Refusal(400, "QUERY_LIMIT", `the query ran longer than ${limits.timeoutMs} ms`);
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(timeUp), limits.timeoutMs);
  const ending = signal === undefined ? clock.signal : AbortSignal.any([signal, clock.signal]);
  const source = new RecordingSource(view, limits.maxPages);
  try {
    const db = await openSqlite({ source, readers: 1, driver: "jspi", signal: ending });
    try {
      const statement = await db.prepare(sql, { signal: ending });
      for await (const row of statement.raw().with({ signal: ending }).iterate()) void row;
    } finally {
      await db.close();
    }
  } catch (error) {
    if (error instanceof Refusal || !isLacunaError(error)) throw error;
    if (error.code === "SQL" || error.code === "INVALID_OPTION") throw new Refusal(400, "SQL", error.message);
    throw error;
  } finally {
    clearTimeout(timer);
  }
  source.touched.add(1 as PageNo);
  return source.touched.ranges();
}

/** A view as SQL reads it. Remembers every page that was read. */
class RecordingSource {
  readonly touched = new PageSet();
  readonly #view: ServedView;
  readonly #maxPages: number;
  /** Runs of pages, by the number of the run, the one read last at the end. */
  readonly #runs = new Map<number, Uint8Array>();

  constructor(view: ServedView, maxPages: number) {
    this.#view = view;
    this.#maxPages = maxPages;
  }

  snapshot() {
    const { revision, pageSize, pageCount } = this.#view;
    return {
      revision,
      pageSize,
      pageCount,
      version: 1,
      peek: (page: PageNo) => this.#peek(page),
      read: (page: PageNo, options?: AbortOptions) => this.#read(page, options),
      release: () => {},
    };
  }

  #peek(page: PageNo): Uint8Array | undefined {
    const run = Math.floor((page - 1) / PAGES_AT_A_TIME);
    const bytes = this.#runs.get(run);
    if (bytes === undefined || (this.touched.size >= this.#maxPages && !this.touched.has(page)))
      return undefined;
    this.touched.add(page);
    const at = ((page - 1) % PAGES_AT_A_TIME) * this.#view.pageSize;
    return bytes.subarray(at, at + this.#view.pageSize);
  }

  async #read(page: PageNo, options?: AbortOptions): Promise<Uint8Array> {
    if (this.touched.size >= this.#maxPages && !this.touched.has(page)) {
      throw new Refusal(400, "QUERY_LIMIT", `the query touches more than ${this.#maxPages} pages`);
    }
    const run = Math.floor((page - 1) / PAGES_AT_A_TIME);
    const first = (run * PAGES_AT_A_TIME + 1) as PageNo;
    const last = Math.min(first + PAGES_AT_A_TIME - 1, this.#view.pageCount) as PageNo;
    const bytes = await this.#view.read([{ first, last }], options);
    const [oldest] = this.#runs.keys();
    if (this.#runs.size >= READS_KEPT && oldest !== undefined) this.#runs.delete(oldest);
    this.#runs.set(run, bytes);
    const found = this.#peek(page);
    if (found === undefined) throw new LacunaError("SHORT_READ", "the page was not read", { page });
    return found;
  }
}
