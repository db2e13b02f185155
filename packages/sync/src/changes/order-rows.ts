import type { SqlValue } from "@lacuna/page";
import type { ChangesetEntry, RowValues } from "@lacuna/protocol";
import type { TableFacts } from "./table-facts.ts";

/** A change of a changeset with the facts of its table. Columns are those of the facts. */
export interface TableEntry extends ChangesetEntry {
  readonly facts: TableFacts;
  readonly rowid: bigint | undefined;
  /** Only takes a unique value out of the way of another row; this is the real change of the row, which follows. */
  readonly parks?: TableEntry;
  /** All of the row as it became, where an update put it in the place of another one. */
  readonly whole?: RowValues | undefined;
}

/**
 * Puts the changes of one changeset into an order in which no statement meets a unique value that another row still has: a
 * changeset tells what became of each row, not in which order. Deletes come first, then updates, each behind those that give
 * up the values it takes, then inserts. Where rows exchange values in a circle, one of them parks its own first.
 */
export function orderRows(entries: readonly TableEntry[]): TableEntry[] {
  const updates = entries.filter(({ operation }) => operation === "update");
  return [
    ...entries.filter(({ operation }) => operation === "delete"),
    ...orderUpdates(updates),
    ...entries.filter(({ operation }) => operation === "insert"),
  ];
}

function orderUpdates(updates: readonly TableEntry[]): TableEntry[] {
  const givers = giversOf(updates);
  if (givers.size === 0) return [...updates];
  const ordered: TableEntry[] = [];
  const done = new Set<TableEntry>();
  for (const first of updates) {
    if (done.has(first)) continue;
    // Walks from taker to giver, without recursion: a shift of a million rows is one chain of a million.
    const path = [first];
    const onPath = new Set(path);
    const parked = new Set<TableEntry>();
    for (let at: TableEntry | undefined = first; at !== undefined; at = path.at(-1)) {
      const next = takenFrom(at, givers).find((giver) => !done.has(giver) && !parked.has(giver));
      if (next === undefined) {
        ordered.push(at);
        done.add(at);
        path.pop();
      } else if (onPath.has(next)) {
        ordered.push(park(next));
        parked.add(next);
      } else {
        path.push(next);
        onPath.add(next);
      }
    }
  }
  return ordered;
}

/** Which updates give up a value of a unique column, or one that may be equal to it. */
type Givers = Map<string, TableEntry[]>;

function giversOf(updates: readonly TableEntry[]): Givers {
  const givers: Givers = new Map();
  for (const update of updates) {
    for (const column of uniqueColumns(update)) {
      const value = update.before[column];
      if (value === undefined || value === null) continue;
      const place = placeOf(update, column, value);
      const known = givers.get(place);
      if (known === undefined) givers.set(place, [update]);
      else known.push(update);
    }
  }
  return givers;
}

function takenFrom(update: TableEntry, givers: Givers): TableEntry[] {
  const found: TableEntry[] = [];
  for (const column of uniqueColumns(update)) {
    const value = update.after[column];
    if (value === undefined || value === null) continue;
    for (const giver of givers.get(placeOf(update, column, value)) ?? []) {
      if (giver !== update) found.push(giver);
    }
  }
  return found;
}

function park(update: TableEntry): TableEntry {
  const columns = new Set(uniqueColumns(update));
  const after: RowValues = update.facts.columns.map((_, column) =>
    columns.has(column) ? parkedValue(update, column) : undefined,
  );
  return { ...update, after, parks: update, whole: undefined };
}

function parkedValue(update: TableEntry, column: number): SqlValue {
  if (!update.facts.notNull.includes(column)) return null;
  return `parked ${update.facts.key.map((position) => String(update.before[position])).join(" ")}`;
}

/** The columns of unique keys that an update changes. */
function uniqueColumns({ facts, after }: TableEntry): number[] {
  const columns = new Set(facts.unique.flat());
  return [...columns].filter((column) => after[column] !== undefined);
}

/** The same for values that are equal to SQLite, whatever the collation; others may share it. */
function placeOf({ table }: TableEntry, column: number, value: SqlValue): string {
  return `${table}\0${column}\0${likeness(value)}`;
}

function likeness(value: SqlValue): string {
  if (value instanceof Uint8Array) return `x${value.join()}`;
  if (typeof value === "string") return `t${value.toLowerCase().trimEnd()}`;
  return String(Number(value));
}
