import { changeRow, hasColumns, putRow, run, type SchemaOperation } from "./model-operations.ts";
import { copied, type Row, type State, shownState, type Table } from "./model-state.ts";

/** What a client remembers of a statement, or of all it did to a row in a transaction. */
export type ModelChange =
  | { readonly kind: "schema"; readonly operation: SchemaOperation }
  | {
      readonly kind: "insert";
      readonly table: string;
      readonly key: readonly string[];
      readonly row: Row;
      /** Whether the client had a row of that key. Clients of another make repeat it in another way then. */
      readonly isOver?: boolean;
    }
  | {
      readonly kind: "update";
      readonly table: string;
      readonly key: readonly string[];
      readonly before: Row;
      readonly sets: Row;
    }
  | {
      readonly kind: "delete";
      readonly table: string;
      readonly key: readonly string[];
      readonly before: Row;
    };

/** A transaction that the remote does not have, or of which its client does not know. */
export interface ModelTransaction {
  readonly changes: readonly ModelChange[];
  /** Its number at the client, once known. */
  number: number;
  /** Whether the remote has it. */
  isTaken: boolean;
}

/** Repeats a change over another state. @returns false if it fails there */
export function repeat(state: State, change: ModelChange): boolean {
  if (change.kind === "schema") return run(state, change.operation);
  const table = state.tables.get(change.table);
  if (table === undefined) return false;
  const { key } = change;
  const touch = (): void => {};
  if (change.kind === "insert") {
    if (!hasColumns(table, change.row)) return false;
    if (key.length > 0 && key.join() !== table.key.join()) return false;
    putRow(state, table, change.row, { touch, replaces: false });
    return true;
  }
  const { before } = change;
  const by = key.length > 0 ? key : Object.keys(before);
  const named = Object.fromEntries(by.map((name) => [name, before[name] ?? ""]));
  const sets = change.kind === "update" ? change.sets : undefined;
  if (!hasColumns(table, { ...named, ...sets })) return false;
  const place = placeEqual(table, named);
  if (place !== undefined) changeRow(state, table, place, sets, touch);
  return true;
}

function placeEqual(table: Table, named: Row): string | undefined {
  const wanted = Object.entries(named);
  for (const [place, row] of table.rows) {
    if (wanted.every(([name, value]) => row[name] === value)) return place;
  }
  return undefined;
}

/** Repeats transactions over a state. @returns the one that fails; what came before it is done then */
export function repeatAll(
  state: State,
  transactions: readonly ModelTransaction[],
): ModelTransaction | undefined {
  return transactions.find(({ changes }) => !changes.every((change) => repeat(state, change)));
}

/** The remote at a time. */
interface Told {
  readonly state: State;
  /** The transactions of the replica that it did not have then. */
  readonly left: readonly ModelTransaction[];
}

/** What a replica shows, and what it has to bring to the remote. */
export class ModelReplica {
  view: State;
  pending: ModelTransaction[] = [];
  /** What the last pull brought. */
  #base: State;
  #told: Told;
  #isStale = false;

  constructor(remote: State) {
    this.view = copied(remote);
    this.#base = copied(remote);
    this.#told = { state: this.#base, left: [] };
  }

  /** The transactions that the remote does not have. */
  get left(): ModelTransaction[] {
    return this.pending.filter(({ isTaken }) => !isTaken);
  }

  /** The remote tells what is new: that is what the pull brings, whatever else the remote takes before the pull ends. */
  hear(remote: State): void {
    this.#told = { state: copied(remote), left: this.left };
  }

  /** Whether the remote told of something that a pull must bring. If not, the pull leaves everything as it is. */
  get isBehind(): boolean {
    const { state, left } = this.#told;
    const wasTaken = this.pending.some((transaction) => !left.includes(transaction));
    return this.#isStale || wasTaken || shownState(state).join("\n") !== shownState(this.#base).join("\n");
  }

  /** Takes what the remote told. @returns the transaction that stands in its way; nothing has changed then */
  pull(): ModelTransaction | undefined {
    const { state, left } = this.#told;
    const view = copied(state);
    const pending = this.pending.filter((transaction) => left.includes(transaction));
    const conflict = repeatAll(view, pending);
    if (conflict !== undefined) return conflict;
    this.view = view;
    this.pending = pending;
    this.#base = state;
    this.#isStale = false;
    return undefined;
  }

  /** Gives up a transaction. What it did is shown until the next pull. */
  giveUp(given: ModelTransaction): void {
    this.pending = this.pending.filter((transaction) => transaction !== given);
    this.#isStale = true;
  }

  /** The transaction that the remote would refuse. */
  refused(remote: State): ModelTransaction | undefined {
    return repeatAll(copied(remote), this.left);
  }
}
