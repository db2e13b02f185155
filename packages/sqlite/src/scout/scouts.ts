import { Connection, type ConnectionSetup } from "../connection.ts";
import type { Timers } from "../reader-pool.ts";
import type { View } from "../view.ts";
import { Forest } from "./forest.ts";
import type { Glance } from "./glance.ts";
import { RunAhead, type Task } from "./run-ahead.ts";

/** What running ahead has done. */
export interface ScoutStats {
  /** Runs begun. */
  readonly runs: number;
  /** Of these, runs that came to the end of their statement. */
  readonly completed: number;
  /** Of these, runs that ended with an error, as they may: a placeholder is only so good. */
  readonly failed: number;
  /** Misses for which no instance was free or that had no time left. */
  readonly skipped: number;
  /** Pages asked for. */
  readonly named: number;
  /** Of these, pages that their statement came to. */
  readonly reached: number;
  /** Milliseconds spent. */
  readonly milliseconds: number;
}

export interface ScoutsOptions {
  readonly setup: ConnectionSetup;
  readonly idleMilliseconds: number;
  readonly timers: Timers;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
}

/** Instances at most: a run that waits for its reader keeps its own. */
const MAX_SCOUTS = 4;
/** Their page cache need not hold more than the pages that one step of a run uses. */
const CACHE_BYTES = 1_048_576;

/** An instance lent to one run. */
export interface Scout {
  readonly connection: Connection;
  /** Takes it back. */
  end(): void;
}

/** The instances that run statements ahead, made when they are first needed and released when nobody needs them any more. */
export class Scouts {
  readonly driver: ConnectionSetup["driver"]["name"];
  readonly now: () => number;
  readonly counters = { runs: 0, completed: 0, failed: 0, skipped: 0, named: 0, reached: 0, milliseconds: 0 };
  readonly #options: ScoutsOptions;
  readonly #idle: Connection[] = [];
  #made = 0;
  #generation = 0;
  #runs = 0;
  #idleTimer: unknown;
  #closed = false;
  #forest:
    | {
        readonly revision: string;
        readonly version: number;
        readonly cookie: number;
        readonly forest: Forest;
      }
    | undefined;

  constructor(options: ScoutsOptions) {
    this.#options = options;
    this.now = options.now;
    this.driver = options.setup.driver.name;
  }

  /** Follows a statement that is about to run. */
  follow(task: Task): RunAhead {
    return new RunAhead(task, this);
  }

  /** A number for each run. */
  nextRun(): number {
    this.#runs = (this.#runs + 1) | 0;
    return this.#runs;
  }

  /** Lends an instance at once; `undefined` if all are in use. */
  take(): Scout | undefined {
    if (this.#closed) return undefined;
    const connection = this.#idle.pop() ?? this.#make();
    if (connection === undefined) return undefined;
    const generation = this.#generation;
    return {
      connection,
      end: () => this.#putBack(connection, generation),
    };
  }

  /** The trees of the database; `undefined` where not all of its schema is here. */
  forestOf({ snapshot, header }: View, glance: Glance): Forest | undefined {
    const known = this.#forest;
    const cookie = header?.schemaCookie ?? 0;
    const { revision, version } = snapshot;
    if (known?.revision === revision && known.version === version && known.cookie === cookie)
      return known.forest;
    const forest = Forest.read(glance, snapshot.pageCount);
    if (forest !== undefined) this.#forest = { revision, version, cookie, forest };
    return forest;
  }

  /** Has the instances replaced, because they should be set up otherwise. */
  renew(): void {
    this.#generation++;
    for (const connection of this.#idle.splice(0)) this.#drop(connection);
  }

  stats(): ScoutStats {
    return { ...this.counters };
  }

  /** Whatever runs has to be ended before. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.timers.clearTimeout(this.#idleTimer);
    await Promise.all(this.#idle.splice(0).map((connection) => connection.close()));
  }

  #make(): Connection | undefined {
    if (this.#made >= MAX_SCOUTS) return undefined;
    const { setup } = this.#options;
    const counters = { waits: 0, restarts: 0, instances: 0 };
    const connection = Connection.now({ ...setup, cacheBytes: CACHE_BYTES, counters });
    this.#made++;
    return connection;
  }

  #putBack(connection: Connection, generation: number): void {
    if (this.#closed || connection.broken || generation !== this.#generation) {
      this.#drop(connection);
      return;
    }
    this.#idle.push(connection);
    const { timers, idleMilliseconds } = this.#options;
    timers.clearTimeout(this.#idleTimer);
    this.#idleTimer = timers.setTimeout(() => {
      for (const idle of this.#idle.splice(0)) this.#drop(idle);
    }, idleMilliseconds);
  }

  #drop(connection: Connection): void {
    this.#made--;
    void connection.close();
  }
}
