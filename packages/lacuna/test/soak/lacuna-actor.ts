import { cpSync } from "node:fs";
import { join } from "node:path";
import { memoryStore } from "@lacuna/storage/memory";
import { expect } from "vitest";
import { ChangeError, type ConnectOptions, connect, type Database, isLacunaError } from "../../src/index.ts";
import { rowsOf } from "../sync-remote.ts";
import { KeptStore } from "./kept-store.ts";
import { ModelReplica, type ModelTransaction } from "./model-replica.ts";
import { ModelRun } from "./model-run.ts";
import { sqlOf } from "./model-sql.ts";
import { copied, shownDatabase, shownState } from "./model-state.ts";
import type { RandomWork } from "./random-work.ts";
import { WIRE_FAULTS, type Wire, type WireFault } from "./wire.ts";
import type { Actor, World } from "./world.ts";

export interface LacunaActorOptions {
  readonly name: string;
  readonly isPartial: boolean;
  readonly isInFiles: boolean;
  readonly pushOperationsThreshold?: number;
}

/** What may become of a call whose requests fail. */
const OF_THE_WIRE = [
  "NETWORK",
  "HTTP_STATUS",
  "SHORT_READ",
  "PROTOCOL",
  "TIMEOUT",
  "REVISION_CHANGED",
  "BUSY",
];

/** One of our replicas. */
export class LacunaActor implements Actor {
  readonly name: string;
  readonly model: ModelReplica;
  readonly #world: World;
  readonly #wire: Wire;
  readonly #options: LacunaActorOptions;
  readonly #kept = new KeptStore(memoryStore());
  #db: Database | undefined;
  #lives = 0;

  private constructor(world: World, options: LacunaActorOptions) {
    this.name = options.name;
    this.#world = world;
    this.#options = options;
    this.model = new ModelReplica(world.state);
    this.#wire = world.wire(this.model, ([, , last], number) => number <= Number(last));
  }

  static async open(world: World, options: LacunaActorOptions): Promise<LacunaActor> {
    const actor = new LacunaActor(world, options);
    actor.#db = await connect(await actor.#connectOptions());
    return actor;
  }

  get #open(): Database {
    if (this.#db === undefined) throw new Error("BUG: a replica was used before it was open");
    return this.#db;
  }

  #path(): string {
    return join(this.#world.remote.directory, `${this.name}-${this.#lives}.db`);
  }

  async #connectOptions(): Promise<ConnectOptions> {
    const { isPartial, isInFiles, pushOperationsThreshold } = this.#options;
    const partialSync = {
      bootstrapStrategy: { kind: "prefix", length: 4096 },
      segmentSize: 8192,
      prefetch: false,
    } as const;
    return {
      path: this.#path(),
      url: "http://server",
      remote: "sync-server",
      fetch: this.#wire.fetch,
      attempts: 2,
      readers: 1,
      pushOperationsThreshold,
      ...(isInFiles ? {} : { store: await this.#kept.next() }),
      ...(isPartial ? { partialSync } : {}),
    };
  }

  async step(): Promise<void> {
    const { work } = this.#world;
    const dice = work.below(100);
    if (dice < 50) await this.#tried(() => this.#write());
    else if (dice < 70) await this.#tried(() => this.#push());
    else if (dice < 89) await this.#tried(() => this.#pull());
    else if (dice < 93) await this.#open.checkpoint();
    else if (dice < 96) await this.#restart();
    else await this.check();
  }

  async pushAll(): Promise<void> {
    while (!(await this.#push()));
    expect(await this.#open.pending()).toEqual([]);
    expect(this.model.pending).toEqual([]);
  }

  async pullAll(): Promise<void> {
    while (!(await this.#pull()));
  }

  async check(): Promise<void> {
    const shown = await shownDatabase(this.model.view, (sql) => rowsOf(this.#open, sql));
    expect(shown, `what ${this.name} shows`).toEqual(shownState(this.model.view));
    expect(await rowsOf(this.#open, "PRAGMA integrity_check")).toEqual([["ok"]]);
    await this.#checkPending();
  }

  async close(): Promise<void> {
    await this.#db?.close();
  }

  /** Does something while requests fail now and then, or do not. */
  async #tried(what: () => Promise<unknown>): Promise<void> {
    const { work } = this.#world;
    if (work.chance(0.3)) this.#wire.fault = work.chance(0.5) ? anyFault(work) : lateAndSilent();
    const isFaulty = this.#wire.fault !== undefined;
    try {
      await what();
    } catch (error) {
      this.#world.count(`failed: ${(error as { code?: string }).code}`);
      if (!isFaulty || !isLacunaError(error) || !OF_THE_WIRE.includes(error.code)) throw error;
    } finally {
      this.#wire.fault = undefined;
    }
  }

  async #write(): Promise<void> {
    const { work, features } = this.#world;
    const view = copied(this.model.view);
    const modelRun = new ModelRun(view);
    const statements: string[] = [];
    for (const operation of work.operations(() => view, features, { isPlain: false })) {
      if (features.isPlain && isInTheWay(operation.kind)) continue;
      statements.push(...sqlOf(operation, (name) => view.tables.get(name)));
      modelRun.run(operation);
    }
    const changes = modelRun.end();
    if (statements.length === 0) return;
    if (work.chance(0.08)) {
      await this.#rollBack(statements);
      this.#world.count("rolled back");
      return;
    }
    if (statements.length === 1) await this.#open.exec(statements[0] ?? "");
    else await this.#open.batch(statements, work.pick(["deferred", "immediate", "exclusive"] as const));
    this.model.view = view;
    const before = this.model.pending.at(-1)?.number ?? 0;
    const number = (await this.#pendingNumbers()).at(-1) ?? 0;
    if (changes.length > 0) {
      expect(number, "the number of a new transaction").toBeGreaterThan(before);
      for (const { kind } of changes) this.#world.count(kind);
      this.model.pending.push({ changes, number, isTaken: false });
    } else expect(number).toBeLessThanOrEqual(before);
  }

  /** Runs statements of which nothing must stay. */
  async #rollBack(statements: readonly string[]): Promise<void> {
    const reason = new Error("rolled back on purpose");
    const rolled = this.#open.transactionAsync(async (transaction) => {
      for (const sql of statements) await transaction.exec(sql);
      throw reason;
    });
    try {
      await rolled();
    } catch (error) {
      if (error !== reason) throw error;
    }
  }

  /** @returns false if something was given up, so that it has to be done again */
  async #push(): Promise<boolean> {
    const refused = this.model.refused(this.#world.state);
    try {
      await this.#open.push();
    } catch (error) {
      if (!isLacunaError(error, "PUSH_REJECTED")) throw error;
      await this.#giveUp(error, this.model.refused(this.#world.state));
      return false;
    }
    expect(refused, `a transaction of ${this.name} that must be refused`).toBeUndefined();
    expect(this.model.left, `what ${this.name} pushed and the remote did not take`).toEqual([]);
    this.model.pending = [];
    await this.#checkPending();
    return true;
  }

  /** @returns false if something was given up, so that it has to be done again */
  async #pull(): Promise<boolean> {
    let isNew: boolean;
    try {
      isNew = await this.#open.pull();
    } catch (error) {
      if (!isLacunaError(error, "PULL_CONFLICT")) throw error;
      await this.#giveUp(error, this.model.pull());
      return false;
    }
    if (!isNew) {
      expect(this.model.isBehind, `something new that ${this.name} did not pull`).toBe(false);
      return true;
    }
    const conflict = this.model.pull();
    if (conflict !== undefined) {
      throw new Error(`${this.name} pulled over a conflict: ${JSON.stringify(conflict)}`);
    }
    this.#world.count(this.model.pending.length > 0 ? "repeated" : "pulled");
    return true;
  }

  async #giveUp(error: unknown, expected: ModelTransaction | undefined): Promise<void> {
    const id = error instanceof ChangeError ? error.change?.id : undefined;
    const number = Number(id?.split(".")[0]);
    if (expected === undefined || number !== expected.number) {
      const why = `${this.name} was refused transaction ${id}, and not ${JSON.stringify(expected)}`;
      throw new Error(why, { cause: error });
    }
    await this.#open.discard(String(number));
    this.#world.count(`given up: ${(error as { code?: string }).code}`);
    this.model.giveUp(expected);
  }

  async #restart(): Promise<void> {
    const { isInFiles } = this.#options;
    const dead = this.#open;
    const isKilled = this.#world.work.chance(0.5);
    this.#world.count(isKilled ? "killed" : "closed");
    if (!isKilled) await dead.close();
    else if (isInFiles) {
      const from = this.#path();
      this.#lives++;
      for (const suffix of ["", "-info", "-wal", "-changes", "-pull"]) {
        try {
          cpSync(from + suffix, this.#path() + suffix);
        } catch (error) {
          if ((error as { code?: string }).code !== "ENOENT") throw error;
        }
      }
    }
    this.#db = await connect(await this.#connectOptions());
    if (isKilled) await dead.close().catch(() => {});
    if (this.#world.work.chance(0.5)) await this.check();
  }

  async #pendingNumbers(): Promise<number[]> {
    const pending = await this.#open.pending();
    return [...new Set(pending.map(({ id }) => Number(id.split(".")[0])))];
  }

  /** What it would push is what it has to: nothing more, and nothing less. */
  async #checkPending(): Promise<void> {
    const taken = this.model.pending.filter(({ isTaken }) => isTaken).map(({ number }) => number);
    const numbers = (await this.#pendingNumbers()).filter((number) => !taken.includes(number));
    expect(numbers, `what ${this.name} has to push`).toEqual(this.model.left.map(({ number }) => number));
  }
}

const anyFault = (work: RandomWork) => (): WireFault | undefined =>
  work.chance(0.5) ? work.pick(WIRE_FAULTS) : undefined;

/** Pushes are under way for long, and nothing more is heard of them. */
function lateAndSilent(): (isWriting: boolean) => WireFault | undefined {
  let isSilent = false;
  return (isWriting) => {
    isSilent ||= isWriting;
    return isWriting ? "late" : isSilent ? "lost" : undefined;
  };
}

/** Whether clients of other makes cannot have this done to what they have to push. */
const isInTheWay = (kind: string): boolean =>
  ["rename-table", "rename-column", "drop-table", "drop-index"].includes(kind);
