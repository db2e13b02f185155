import { onTestFinished } from "vitest";
import { randomNumbers } from "../commit-model.ts";
import { type SyncRemote, syncRemote } from "../sync-remote.ts";
import { type Operation, run } from "./model-operations.ts";
import { type ModelReplica, repeat } from "./model-replica.ts";
import { sqlOf } from "./model-sql.ts";
import { emptyState, type State, shownDatabase } from "./model-state.ts";
import { type Features, RandomWork } from "./random-work.ts";
import { Wire } from "./wire.ts";

/** The remote and what it must hold: all that clients brought there, in the order in which it took it. */
export class World {
  readonly remote: SyncRemote;
  readonly state: State = emptyState();
  readonly work: RandomWork;
  readonly features: Features;
  /** How often what happened. */
  readonly counts = new Map<string, number>();
  readonly #wires: Wire[] = [];

  private constructor(remote: SyncRemote, work: RandomWork, features: Features) {
    this.remote = remote;
    this.work = work;
    this.features = features;
  }

  static async make(seed: number, features: Features): Promise<World> {
    const work = new RandomWork(randomNumbers(seed));
    const remote = await syncRemote("");
    const world = new World(remote, work, features);
    for (const table of work.schema(features)) {
      const statements = sqlOf({ kind: "create-table", table }, () => undefined);
      run(world.state, { kind: "create-table", table });
      remote.exec(statements.join(";"));
      if (!table.name.startsWith("audit")) {
        for (let rows = work.below(60); rows > 0; rows--) world.#put(table.name);
      }
    }
    onTestFinished(() => world.drain());
    return world;
  }

  #put(name: string): void {
    const table = this.state.tables.get(name);
    if (table === undefined) return;
    const kind = table.key.length > 0 ? "upsert" : "insert";
    const operation = { kind, table: name, row: this.work.row(table) } as const;
    this.remote.exec(sqlOf(operation, () => table).join(";"));
    run(this.state, operation);
  }

  /** A connection for a client, whose transactions are counted as the server takes them. */
  wire(model: ModelReplica, isUpTo: (mark: readonly string[], number: number) => boolean): Wire {
    const wire = new Wire({
      server: this.remote.fetch,
      work: this.work,
      count: (what) => this.count(what),
      onTold: () => model.hear(this.state),
      onTaken: (marks) => {
        const mark = marks.at(-1);
        if (mark === undefined) return;
        for (const transaction of model.left) {
          if (!isUpTo(mark, transaction.number)) continue;
          for (const change of transaction.changes) {
            if (!repeat(this.state, change))
              throw new Error(`the remote took what must fail: ${JSON.stringify(change)}`);
          }
          transaction.isTaken = true;
          this.count("taken");
        }
      },
    });
    this.#wires.push(wire);
    return wire;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Writes past the server, and past everybody's capture. */
  rawStep(): void {
    const { work, state } = this;
    this.write(
      work.operations(() => state, this.features, { isPlain: this.features.isPlain && work.chance(0.9) }),
    );
    if (work.chance(0.05)) this.remote.exec("PRAGMA wal_checkpoint(PASSIVE)");
    if (work.chance(0.01)) this.remote.exec("VACUUM");
  }

  /** Runs a transaction past the server. */
  write(operations: Iterable<Operation>): void {
    const statements: string[] = [];
    for (const operation of operations) {
      statements.push(...sqlOf(operation, (name) => this.state.tables.get(name)));
      run(this.state, operation);
    }
    if (statements.length > 0) this.remote.exec(`BEGIN IMMEDIATE; ${statements.join("; ")}; COMMIT`);
  }

  /** Lets all requests arrive that are on their way. */
  async drain(): Promise<void> {
    for (const wire of this.#wires) await wire.drain();
  }

  /** What the remote holds, as text. */
  shownRemote(): Promise<string[]> {
    return shownDatabase(this.state, async (sql) => this.remote.rows(sql));
  }
}

/** Someone with a replica of the world's database. */
export interface Actor {
  readonly name: string;
  readonly model: ModelReplica;
  /** Does something at random, and checks what came of it. */
  step(): Promise<void>;
  /** Brings everything to the remote, giving up what it refuses. */
  pushAll(): Promise<void>;
  /** Takes everything that is new. */
  pullAll(): Promise<void>;
  /** Compares what it shows with what it must show. */
  check(): Promise<void>;
  close(): Promise<void>;
}
