import { join } from "node:path";
import type { Database } from "@tursodatabase/sync";
import { expect } from "vitest";
import { type Operation, run } from "./model-operations.ts";
import { type ModelChange, ModelReplica, repeat } from "./model-replica.ts";
import { ModelRun } from "./model-run.ts";
import { sqlOf } from "./model-sql.ts";
import { copied, placeOf, type State, shownDatabase, shownState, type Table } from "./model-state.ts";
import type { Wire } from "./wire.ts";
import type { Actor, World } from "./world.ts";

/** Somebody else's client, as it is, doing only what it does right: rows of tables with a key that stays. */
export class TursoActor implements Actor {
  readonly name: string;
  readonly model: ModelReplica;
  readonly #world: World;
  readonly #wire: Wire;
  #db: Database | undefined;

  private constructor(world: World, name: string) {
    this.name = name;
    this.#world = world;
    this.model = new ModelReplica(world.state);
    // It sends all it has in one request.
    this.#wire = world.wire(this.model, () => true);
  }

  static async open(world: World, name: string): Promise<TursoActor> {
    const actor = new TursoActor(world, name);
    await actor.#connect();
    return actor;
  }

  async step(): Promise<void> {
    const dice = this.#world.work.below(100);
    if (dice < 60) await this.#write();
    else if (dice < 75) await this.pushAll();
    else if (dice < 90) await this.pullAll();
    else if (dice < 93) await this.#open.checkpoint();
    else if (dice < 95) await this.#restart();
    else if (dice < 97) await this.#pushUnanswered();
    else await this.check();
  }

  async pushAll(): Promise<void> {
    await this.#open.push();
    expect(this.model.left, `what ${this.name} pushed and the remote did not take`).toEqual([]);
  }

  async pullAll(): Promise<void> {
    await this.#open.pull();
    this.model.view = copied(this.#world.state);
    this.model.pending = this.model.left;
    // What it repeats it remembers anew, as what it does now; where that is nothing, there is nothing to push.
    this.model.pending = this.model.pending
      .map((transaction) => ({
        ...transaction,
        changes: transaction.changes.flatMap((change) => repeatAnew(this.model.view, change)),
      }))
      .filter(({ changes }) => changes.length > 0);
  }

  async check(): Promise<void> {
    const shown = await shownDatabase(this.model.view, (sql) => this.#rows(sql));
    expect(shown, `what ${this.name} shows`).toEqual(shownState(this.model.view));
  }

  async close(): Promise<void> {
    await this.#db?.close();
  }

  get #open(): Database {
    if (this.#db === undefined) throw new Error("BUG: a client was used before it was open");
    return this.#db;
  }

  async #connect(): Promise<void> {
    // It brings native code, so it is loaded only where it is used.
    const { connect } = await import("@tursodatabase/sync");
    const path = join(this.#world.remote.directory, `${this.name}.db`);
    this.#db = await connect({ path, url: "http://server", fetch: this.#wire.fetch });
  }

  async #rows(sql: string): Promise<unknown[][]> {
    const statement = await this.#open.prepare(sql);
    const rows: object[] = await statement.all();
    // Its quote() has words of its own for the infinities.
    return rows.map((row) => Object.values(row).map((value) => (value === "Inf" ? "9.0e+999" : value)));
  }

  async #write(): Promise<void> {
    const { work, features } = this.#world;
    await this.write((view) => work.operations(() => view, features, { isPlain: true }));
  }

  /** Runs a transaction. Its operations are asked for one by one, with what those before them leave behind in the view. */
  async write(operationsFor: (view: State) => Iterable<Operation>): Promise<void> {
    const view = copied(this.model.view);
    const statements: string[] = [];
    const changes: ModelChange[] = [];
    for (const operation of operationsFor(view)) {
      statements.push(...sqlOf(operation, (name) => view.tables.get(name)));
      changes.push(...remembered(view, operation));
    }
    if (statements.length === 0) return;
    await this.#open.exec(`BEGIN; ${statements.join("; ")}; COMMIT`);
    this.model.view = view;
    if (changes.length > 0) this.model.pending.push({ changes, number: 0, isTaken: false });
    this.#world.count("written by another make");
  }

  /** Pushes, and never hears of it. */
  async #pushUnanswered(): Promise<void> {
    this.#wire.fault = () => "unanswered";
    try {
      await expect(this.#open.push()).rejects.toThrow();
    } finally {
      this.#wire.fault = undefined;
    }
  }

  async #restart(): Promise<void> {
    await this.#open.close();
    await this.#connect();
  }
}

/**
 * Runs a statement, and tells what it remembers of it: of every statement what it did, where we remember what became of each
 * row. So it sends all columns of an upsert, and all that an update sets, whether or not they were the same before.
 */
function remembered(view: State, operation: Operation): readonly ModelChange[] {
  const asWritten = changesAsWritten(view, operation);
  const modelRun = new ModelRun(view);
  modelRun.run(operation);
  return asWritten ?? modelRun.end();
}

function changesAsWritten({ tables }: State, operation: Operation): ModelChange[] | undefined {
  if (operation.kind !== "upsert" && operation.kind !== "update") return undefined;
  const table = tables.get(operation.table);
  if (table === undefined) return undefined;
  const { name, key } = table;
  if (operation.kind !== "update") {
    const { row } = operation;
    return [{ kind: "insert", table: name, key, row, isOver: table.rows.has(placeOf(table, row)) }];
  }
  const { rows, sets } = operation;
  return rows.flatMap((row): ModelChange[] => {
    const before = table.rows.get(placeOf(table, row));
    return before === undefined ? [] : [{ kind: "update", table: name, key, before, sets }];
  });
}

/**
 * Repeats a change after a pull, and tells what it remembers of that. Where it had put a row over another, it takes away the
 * row of that key and puts the other in its place: in columns that were added since, that one has what a new row has. A row
 * that was new to it goes over the one that is there by now, which keeps what it has in such columns.
 */
function repeatAnew(view: State, change: ModelChange): ModelChange[] {
  const table = change.kind === "schema" ? undefined : view.tables.get(change.table);
  if (change.kind === "schema" || table === undefined)
    throw new Error(`BUG: a change that cannot be repeated: ${JSON.stringify(change)}`);
  const row = change.kind === "insert" ? change.row : change.before;
  const place = placeOf(table, row);
  const had = table.rows.get(place);
  if (change.kind !== "insert") {
    repeat(view, change);
    return had === undefined ? [] : [change];
  }
  const isOver = change.isOver === true;
  run(view, { kind: isOver ? "replace" : "upsert", table: change.table, row });
  const added = { ...change, row: table.rows.get(place) ?? row, isOver: false };
  if (had === undefined) return [added];
  // Its upsert sets the key as well, and where that is the rowid, a row that is given one is another row to it.
  if (!isOver && !isKeyedByRowid(table)) return [{ ...added, isOver: true }];
  return [{ kind: "delete", table: change.table, key: change.key, before: had }, added];
}

const isKeyedByRowid = ({ columns, key }: Table): boolean =>
  key.length === 1 && columns.some(({ name, type }) => name === key[0] && type === "INTEGER");
