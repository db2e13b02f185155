import { type Operation, run, type SchemaOperation } from "./model-operations.ts";
import type { ModelChange } from "./model-replica.ts";
import type { Row, State } from "./model-state.ts";

type RowOperation = Exclude<Operation, SchemaOperation>;

/**
 * Runs a transaction over a state, and tells what is to be remembered of it: what became of each row from one statement to
 * another, all in all. A row that INSERT puts in the place of another is remembered as a whole, so statements that put rows
 * and those that change them where they are do not run together; nor does one that may put a row where a row was taken away.
 */
export class ModelRun {
  readonly changes: ModelChange[] = [];
  readonly #state: State;
  #touched = new Map<string, Map<string, Row | undefined>>();
  #manner: "puts" | "changes" | undefined;
  #vacated = new Map<string, "deleted" | "moved">();

  constructor(state: State) {
    this.#state = state;
  }

  run(operation: Operation): void {
    const isOfRows = isRowOperation(operation);
    if (!isOfRows) this.#settle();
    else this.#goOn(operation);
    const done = run(this.#state, operation, (table, place) => {
      const touched = this.#touched.get(table.name) ?? new Map<string, Row | undefined>();
      this.#touched.set(table.name, touched);
      if (!touched.has(place)) touched.set(place, table.rows.get(place));
    });
    if (!done) throw new Error(`BUG: the soak made a statement that fails: ${JSON.stringify(operation)}`);
    if (!isOfRows) this.changes.push({ kind: "schema", operation });
  }

  end(): readonly ModelChange[] {
    this.#settle();
    return this.changes;
  }

  /** Settles what was done so far, if a statement must not run together with it. */
  #goOn(operation: RowOperation): void {
    const { kind, table: name } = operation;
    const key = this.#state.tables.get(name)?.key ?? [];
    const moves = kind === "update" && key.some((column) => column in operation.sets);
    const puts = kind === "upsert" || kind === "replace";
    const manner = puts ? "puts" : kind === "insert" ? undefined : "changes";
    const isOther = manner !== undefined && this.#manner !== undefined && manner !== this.#manner;
    const vacated = this.#vacated.get(name);
    const fills = puts || kind === "insert" ? vacated !== undefined : moves && vacated === "deleted";
    if (isOther || fills) this.#settle();
    this.#manner ??= manner;
    if (kind === "delete") this.#vacated.set(name, "deleted");
    else if (moves && !this.#vacated.has(name)) this.#vacated.set(name, "moved");
  }

  #settle(): void {
    for (const [name, touched] of this.#touched) {
      const table = this.#state.tables.get(name);
      for (const [place, before] of touched) {
        const change = this.#difference(name, table?.key ?? [], before, table?.rows.get(place));
        if (change !== undefined) this.changes.push(change);
      }
    }
    this.#touched = new Map();
    this.#manner = undefined;
    this.#vacated = new Map();
  }

  #difference(
    table: string,
    key: readonly string[],
    before: Row | undefined,
    after: Row | undefined,
  ): ModelChange | undefined {
    if (before === undefined) return after && { kind: "insert", table, key, row: after };
    if (after === undefined) return { kind: "delete", table, key, before };
    const sets = Object.fromEntries(Object.entries(after).filter(([name, value]) => before[name] !== value));
    if (Object.keys(sets).length === 0) return undefined;
    return this.#manner === "puts"
      ? { kind: "insert", table, key, row: after }
      : { kind: "update", table, key, before, sets };
  }
}

function isRowOperation(operation: Operation): operation is RowOperation {
  return ["insert", "upsert", "replace", "update", "delete"].includes(operation.kind);
}
