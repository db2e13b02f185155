import { isPageNo, type PageNo } from "@lacuna/page";
import type { DatabaseHeader } from "./database-header.ts";
import { parseSchema, type Schema, type SchemaRow } from "./schema.ts";
import { TableWalk } from "./table-walk.ts";
import { treeFormat } from "./tree-format.ts";
import type { Step, Task } from "./walk.ts";

/**
 * Reads the schema from the tree at page 1.
 *
 * ```ts
 * const { tables, indexes } = await runTask(new SchemaTask(header, source.pageCount), source);
 * ```
 */
export class SchemaTask implements Task<Schema> {
  readonly #walk: TableWalk;
  readonly #schemaFormat: number;
  /** What the rows read so far say, of whatever type. */
  readonly rows: SchemaRow[] = [];

  /** @param pageCount pages in the database, as the source of the pages has it */
  constructor(header: DatabaseHeader, pageCount: number) {
    this.#walk = new TableWalk(treeFormat(header, pageCount), 1 as PageNo);
    this.#schemaFormat = header.schemaFormat;
  }

  /** The schema, when `step` returned `false`. */
  get result(): Schema {
    return parseSchema(this.rows, this.#schemaFormat);
  }

  step(): Step {
    let step = this.#walk.step();
    for (; step === true; step = this.#walk.step()) this.#add();
    return step;
  }

  supply(page: PageNo, bytes: Uint8Array): void {
    this.#walk.supply(page, bytes);
  }

  #add(): void {
    const [type, name, tableName, rootPage, sql] = this.#walk.record.values();
    this.rows.push({
      type: String(type),
      name: String(name),
      tableName: String(tableName),
      rootPage: typeof rootPage === "number" && isPageNo(rootPage) ? rootPage : undefined,
      sql: typeof sql === "string" ? sql : null,
    });
  }
}
