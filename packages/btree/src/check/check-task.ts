import { isLacunaError, type PageNo } from "@lacuna/page";
import type { DatabaseHeader } from "../database-header.ts";
import { type Index, SCHEMA_TABLE, type Schema, type Table } from "../schema.ts";
import { SchemaTask } from "../schema-task.ts";
import { foldName } from "../sql-tokens.ts";
import { treeFormat } from "../tree-format.ts";
import type { Step, Task } from "../walk.ts";
import { CheckContext, describe, type Reading } from "./check-context.ts";
import { IndexEntries, IndexTally, TableEntries } from "./check-entries.ts";
import { checkFreelist } from "./check-freelist.ts";
import { checkPointerMap } from "./check-pointer-map.ts";
import { checkSchema } from "./check-schema.ts";
import { TreeCheck } from "./check-tree.ts";
import type { Finding, TreeStats } from "./finding.ts";
import type { PageUses } from "./page-uses.ts";
import { lockBytePage, pointerMapPages } from "./pointer-map.ts";

export interface CheckOptions {
  /** How many findings are kept; the walk goes on without keeping more. @default 100 */
  readonly maxFindings?: number | undefined;
}

/** What a walk over the whole database found. */
export interface CheckResult {
  /** Empty for a sound database. */
  readonly findings: readonly Finding[];
  /** True if there were more findings than were kept. */
  readonly truncated: boolean;
  /** What each page is used for, and by which tree. */
  readonly pages: PageUses;
  /** One for each B-tree, `sqlite_schema` first. */
  readonly trees: readonly TreeStats[];
  /** `undefined` if it could not be read. */
  readonly schema: Schema | undefined;
}

/**
 * Walks the whole database, as `PRAGMA integrity_check` does: every page is read at most twice, whatever pages point to.
 * Corruption becomes a finding, not an error.
 *
 * ```ts
 * const { findings, pages } = await runTask(new CheckTask(header, source.pageCount), source);
 * ```
 */
export class CheckTask implements Task<CheckResult> {
  readonly #context: CheckContext;
  readonly #trees: TreeStats[] = [];
  readonly #run: Reading<void>;
  #schema: Schema | undefined;
  #step: Step | undefined;

  /** @param pageCount pages in the database, as the source of the pages has it */
  constructor(header: DatabaseHeader, pageCount: number, options: CheckOptions = {}) {
    this.#context = new CheckContext(header, treeFormat(header, pageCount), options.maxFindings ?? 100);
    this.#run = this.#check();
  }

  get result(): CheckResult {
    const { findings, truncated, map } = this.#context;
    return { findings, truncated, pages: map, trees: this.#trees, schema: this.#schema };
  }

  step(): Step {
    this.#step ??= stepOf(this.#run.next());
    return this.#step;
  }

  supply(page: PageNo, bytes: Uint8Array): void {
    if (page !== this.#step) throw new RangeError(`expected page ${this.#step}, got page ${page}`);
    if (bytes.length < this.#context.format.usableSize) {
      // As if the rest were zeros: what needs it is a finding then.
      this.#context.report(page, bytes.length, "expected a whole page, found the end of the file");
      const whole = new Uint8Array(this.#context.format.usableSize);
      whole.set(bytes);
      this.#step = stepOf(this.#run.next(whole));
    } else this.#step = stepOf(this.#run.next(bytes));
  }

  *#check(): Reading<void> {
    const { header, format, map } = this.#context;
    const origin: [PageNo, number] = [1 as PageNo, 0];
    const lock = lockBytePage(header.pageSize);
    if (lock <= format.pageCount) map.set(lock, "lock-byte", undefined, undefined);
    for (const { page } of pointerMapPages(header, format.pageCount)) {
      this.#context.claim(page, "pointer-map", origin);
    }
    if (header.pageCountIsValid && header.pageCount > format.pageCount) {
      this.#context.report(
        origin[0],
        28,
        `expected at most ${format.pageCount} pages, found ${header.pageCount} in the header`,
      );
    }
    this.#schema = yield* this.#readSchema();
    yield* checkFreelist(this.#context);
    yield* this.#checkTrees(this.#schema ?? { tables: [], indexes: [], views: [], triggers: [] });
    yield* checkPointerMap(this.#context);
    if (this.#schema === undefined) return;
    for (let page = 1; page <= format.pageCount; page++) {
      if (map.use(page as PageNo) === "unknown") {
        this.#context.report(
          page as PageNo,
          0,
          "expected a page in use or on the freelist, found one that is neither",
        );
      }
    }
  }

  *#readSchema(): Reading<Schema | undefined> {
    const task = new SchemaTask(this.#context.header, this.#context.format.pageCount);
    try {
      for (;;) {
        const step = task.step();
        if (typeof step === "boolean") {
          const schema = task.result;
          checkSchema(this.#context, task.rows, schema);
          return schema;
        }
        task.supply(step, yield step);
      }
    } catch (error) {
      if (!isLacunaError(error, "CORRUPT_PAGE")) throw error;
      this.#context.report(
        error.page ?? (1 as PageNo),
        error.offset ?? 0,
        `the schema cannot be read: ${describe(error)}`,
      );
      return undefined;
    }
  }

  *#checkTrees({ tables, indexes }: Schema): Reading<void> {
    const byName = new Map(tables.map((table) => [foldName(table.name), table]));
    const tallies = new Map<Index, IndexTally>();
    for (const index of indexes) {
      const tally = IndexTally.of(index, byName.get(foldName(index.tableName)));
      if (tally !== undefined) tallies.set(index, tally);
    }
    const ofTable = Map.groupBy(tallies.values(), ({ table }) => table);
    yield* this.#checkTable(SCHEMA_TABLE, []);
    for (const table of tables) if (!table.virtual) yield* this.#checkTable(table, ofTable.get(table) ?? []);
    const { textEncoding } = this.#context.format;
    for (const index of indexes) {
      const tally = tallies.get(index);
      const entries = new IndexEntries(index.key, textEncoding, index.unique ? index.declared : 0, tally);
      const complete = yield* this.#checkTree(index, "index", entries);
      if (tally?.comparable && complete) this.#compare(tally);
    }
  }

  *#checkTable(table: Table, tallies: readonly IndexTally[]): Reading<void> {
    const { textEncoding } = this.#context.format;
    const order = table.withoutRowid
      ? new IndexEntries(table.key, textEncoding, table.key.length, undefined)
      : undefined;
    yield* this.#checkTree(
      table,
      table.withoutRowid ? "index" : "table",
      new TableEntries(table, tallies, order),
    );
  }

  /** @returns whether the tree could be walked */
  *#checkTree(
    of: Table | Index,
    kind: "table" | "index",
    entries: TableEntries | IndexEntries,
  ): Reading<boolean> {
    const root = of.rootPage;
    if (root === undefined) {
      this.#context.report(1 as PageNo, 0, `expected a root page for ${of.name}, found none`);
      return false;
    }
    const stats: TreeStats = {
      root,
      name: of.name,
      kind,
      depth: 0,
      interiorPages: 0,
      leafPages: 0,
      overflowPages: 0,
      entries: 0,
      payloadBytes: 0,
      unusedBytes: 0,
    };
    this.#trees.push(stats);
    const before = this.#context.findings.length;
    yield* new TreeCheck(this.#context, stats, entries).run();
    return this.#context.findings.length === before;
  }

  #compare({ index, found, expected }: IndexTally): void {
    const root = index.rootPage as PageNo;
    if (found.count !== expected.count) {
      const message = `expected ${expected.count} entries in ${index.name}, found ${found.count}`;
      this.#context.report(root, 0, message, root);
    } else if (!found.equals(expected)) {
      this.#context.report(
        root,
        0,
        `expected entries in ${index.name} that are those of the table's rows`,
        root,
      );
    }
  }
}

function stepOf(result: IteratorResult<PageNo, void>): Step {
  return result.done ? false : result.value;
}
