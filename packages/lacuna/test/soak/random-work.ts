import type { Operation } from "./model-operations.ts";
import { type Column, type Literal, placeOf, type Row, type State, type Table } from "./model-state.ts";

/** What a world may have in it. */
export interface Features {
  /** Only what clients of other makes can do as well. */
  readonly isPlain: boolean;
}

/** What a client may do. */
export interface Abilities {
  /** Change the schema in ways that can get in the way of others, move keys, write to tables without one. */
  readonly isPlain: boolean;
}

/** Makes schemas and statements at random, the same for the same numbers. No value is made twice, other than keys. */
export class RandomWork {
  readonly #random: () => number;
  #made = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.below(from.length)];
  }

  /** The tables that a world begins with. */
  schema({ isPlain }: Features): Table[] {
    const tables = [this.table("INTEGER"), this.table("TEXT"), this.table(undefined), this.table("pair")];
    if (isPlain) return tables.map(({ generatedFrom: _, isWithoutRowid: __, ...table }) => table);
    const audit: Table = {
      name: `audit${this.#made++}`,
      columns: ["k", "what", "v"].map((name) => ({ name, type: "", initial: "NULL" })),
      key: ["k"],
      rows: new Map(),
    };
    const audited = this.table("INTEGER");
    const watched = audited.columns.find(({ name }) => name !== "id")?.name ?? "id";
    return [...tables, audit, { ...audited, audit: { table: audit.name, watched } }];
  }

  /** @param key what kind of key it has, if any */
  table(key: "INTEGER" | "TEXT" | "pair" | undefined): Table {
    const columns: Column[] = [];
    if (key === "pair") {
      columns.push({ name: "k1", type: "TEXT", initial: "NULL" });
      columns.push({ name: "k2", type: "INTEGER", initial: "NULL" });
    } else if (key !== undefined) columns.push({ name: "id", type: key, initial: "NULL" });
    const keys = columns.map(({ name }) => name);
    for (let i = 1 + this.below(3); i >= 0; i--) columns.push(this.column());
    const source = columns.at(-1)?.name;
    return {
      name: `t${this.#made++}`,
      columns,
      key: keys,
      generatedFrom: key !== undefined && this.chance(0.4) ? source : undefined,
      isStored: this.chance(0.5),
      isWithoutRowid: key !== undefined && key !== "INTEGER" && this.chance(0.5),
      rows: new Map(),
    };
  }

  column(): Column {
    const type = this.pick(["", "TEXT", "INTEGER", "REAL"] as const) ?? "";
    return { name: `c${this.#made++}`, type, initial: this.chance(0.3) ? this.value(type) : "NULL" };
  }

  /** Values that no other row has, but for NULL. */
  value(type: Column["type"]): Literal {
    const number = ++this.#made;
    switch (this.chance(0.1) ? "NULL" : type === "" ? this.pick(["TEXT", "INTEGER", "REAL", "BLOB"]) : type) {
      case "NULL":
        return "NULL";
      case "INTEGER":
        return this.chance(0.1) ? String(9_007_199_254_740_992n + BigInt(number)) : String(number);
      case "REAL":
        return this.chance(0.05) ? "9.0e+999" : `${number}.${this.chance(0.5) ? 5 : 0}`;
      case "BLOB":
        return `X'${number.toString(16).toUpperCase().padStart(8, "0")}00FF'`;
      default: {
        const long = this.chance(0.03) ? 6000 : this.chance(0.3) ? 400 : 0;
        return `'it''s "${number}" ü${"x".repeat(long)}'`;
      }
    }
  }

  /** A row for a table, with a key that others may have as well. */
  row(table: Table): Row {
    const values = table.columns.map(({ name, type }) => [
      name,
      table.key.includes(name) ? this.#keyValue(type) : this.value(type),
    ]);
    return Object.fromEntries(values);
  }

  #keyValue(type: Column["type"]): Literal {
    const number = 1 + this.below(30);
    return type === "TEXT" ? `'k${number % 9}'` : String(number);
  }

  /** The statements of a transaction. Each is made for the state that the ones before it leave behind. */
  *operations(
    stateNow: () => State,
    { isPlain: isPlainWorld }: Features,
    { isPlain }: Abilities,
  ): Generator<Operation> {
    const count = this.chance(0.5) ? 1 : 2 + this.below(4);
    for (let i = 0; i < count; i++) {
      const state = stateNow();
      if (!isPlain && this.chance(0.015)) {
        const schema = this.#ofSchema(state, isPlainWorld);
        if (schema !== undefined) yield schema;
        continue;
      }
      const open = [...state.tables.values()].filter(
        ({ key, name }) => !name.startsWith("audit") && !(isPlain && key.length === 0),
      );
      const table = this.pick(open);
      if (table === undefined) continue;
      yield table.key.length > 0 ? this.#ofKeyed(table, isPlain) : this.#ofLoose(table);
    }
  }

  #ofKeyed(table: Table, isPlain: boolean): Operation {
    const dice = this.below(100);
    const held = [...table.rows.values()];
    const some = (): Row[] =>
      Array.from({ length: 1 + this.below(3) }, () =>
        keyOf(table, (this.chance(0.9) ? this.pick(held) : undefined) ?? this.row(table)),
      );
    if (dice < 40) {
      const row = this.row(table);
      const isNew = !table.rows.has(placeOf(table, row));
      return { kind: isNew && this.chance(0.5) ? "insert" : "upsert", table: table.name, row };
    }
    if (dice < 50 && !isPlain) return { kind: "replace", table: table.name, row: this.row(table) };
    if (dice < 65) return { kind: "delete", table: table.name, rows: some() };
    const row = this.pick(held);
    if (dice < 72 && !isPlain && row !== undefined) {
      const name = this.pick(table.key) ?? "";
      const number = 1000 + ++this.#made;
      const isText = table.columns.find((column) => column.name === name)?.type === "TEXT";
      return {
        kind: "update",
        table: table.name,
        rows: [keyOf(table, row)],
        sets: { [name]: isText ? `'k${number}'` : String(number) },
      };
    }
    return { kind: "update", table: table.name, rows: distinct(table, some()), sets: this.#sets(table) };
  }

  #ofLoose(table: Table): Operation {
    const row = this.pick([...table.rows.values()]);
    const dice = this.below(100);
    if (row === undefined || dice < 45) return { kind: "insert", table: table.name, row: this.row(table) };
    if (dice < 80) return { kind: "update", table: table.name, rows: [row], sets: this.#sets(table) };
    return { kind: "delete", table: table.name, rows: [row] };
  }

  #sets(table: Table): Row {
    const free = table.columns.filter(({ name }) => !table.key.includes(name));
    const chosen = free.filter(() => this.chance(0.5));
    const columns = chosen.length > 0 ? chosen : free.slice(0, 1);
    return Object.fromEntries(columns.map(({ name, type }) => [name, this.value(type)]));
  }

  #ofSchema(state: State, isPlainWorld: boolean): Operation | undefined {
    const table = this.pick([...state.tables.values()].filter(({ name }) => !name.startsWith("audit")));
    const dice = this.below(100);
    const number = ++this.#made;
    if (table === undefined || (dice < 15 && state.tables.size < 8)) {
      const made = this.table(this.pick(["INTEGER", "TEXT", "pair", undefined]));
      const { generatedFrom: _, isWithoutRowid: __, ...plain } = made;
      return { kind: "create-table", table: isPlainWorld ? plain : made };
    }
    if (dice < 40 && table.columns.length < 9)
      return { kind: "add-column", table: table.name, column: this.column() };
    const column = this.pick(table.columns)?.name ?? "";
    if (dice < 60) return { kind: "create-index", index: `i${number}`, table: table.name, column };
    if (isPlainWorld) return undefined;
    if (dice < 72) {
      const index = this.pick([...state.indexes.keys()]);
      return index === undefined ? undefined : { kind: "drop-index", index };
    }
    if (dice < 82) return { kind: "rename-table", table: table.name, to: `t${number}` };
    if (dice < 92) return { kind: "rename-column", table: table.name, column, to: `c${number}` };
    return state.tables.size > 4 ? { kind: "drop-table", table: table.name } : undefined;
  }
}

const keyOf = ({ key }: Table, row: Row): Row =>
  Object.fromEntries(key.map((name) => [name, row[name] ?? "NULL"]));

const distinct = (table: Table, rows: readonly Row[]): Row[] => [
  ...new Map(rows.map((row) => [placeOf(table, row), row])).values(),
];
