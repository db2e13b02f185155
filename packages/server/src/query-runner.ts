import type { AbortOptions, PageRange } from "@lacuna/page";
import { Refusal } from "./json-answer.ts";
import { type QueryLimits, type QueryOptions, resolveQueryLimits } from "./query-limits.ts";
import type { ServedView } from "./served-database.ts";

/** Runs the queries of requests, a few at a time. SQLite is loaded with the first. */
export class QueryRunner {
  readonly #limits: QueryLimits;
  #running = 0;

  /** @throws {LacunaError} `INVALID_OPTION` */
  constructor(options: QueryOptions = {}) {
    this.#limits = resolveQueryLimits(options);
  }

  /**
   * See `queryPages`.
   * @throws {Refusal} 503 if too many run already
   */
  async pagesOf(view: ServedView, sql: string, options: AbortOptions): Promise<PageRange[]> {
    if (this.#running >= this.#limits.atOnce) {
      throw new Refusal(503, "BUSY", "too many queries run at the moment", { "retry-after": "1" });
    }
    this.#running++;
    try {
      const { queryPages } = await import("./query-pages.ts");
      return await queryPages(view, sql, this.#limits, options);
    } finally {
      this.#running--;
    }
  }
}
