import { closedError, pageNo } from "@lacuna/page";
import type { Snapshot } from "@lacuna/pager";
import { Connection } from "../connection.ts";
import type { ConnectionSetup } from "../connection-setup.ts";
import type { Timers } from "../reader-pool.ts";
import type { View } from "../view.ts";
import type { Batches } from "./batches.ts";
import { Forest } from "./forest.ts";
import type { Glance } from "./glance.ts";
import { RunAhead } from "./run-ahead.ts";
import { Sandbox } from "./sandbox.ts";
import { ATTEMPTS_PER_RUN, type Ending, type Task } from "./scout-run.ts";
import type { Spending } from "./spending.ts";
import { type Estimate, estimate, holds, isResident, type Surveyor } from "./survey.ts";
import { WholeTrees } from "./whole-trees.ts";

/** What running ahead has done. */
export interface ScoutStats {
  /** Runs begun. */
  readonly runs: number;
  /** Of these, runs that came to the end of their statement. */
  readonly completed: number;
  /** Of these, runs that ended with an error, as they may: a placeholder is only so good. */
  readonly failed: number;
  /** Misses without a run, because no instance was free or not all of the schema was here. */
  readonly skipped: number;
  /** Pages asked for by statements that are over. */
  readonly named: number;
  /** Of these, pages that their statement came to. */
  readonly reached: number;
  /** Milliseconds that runs computed. */
  readonly milliseconds: number;
  /** Instances there are now. */
  readonly instances: number;
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

/** Has SQLite take it calmly that an index, being a placeholder, lacks the entry of a row that is deleted. */
const TOLERANT = "PRAGMA writable_schema=ON";

/** What is known of a state of the database. */
interface Plan {
  readonly version: number;
  readonly cookie: number;
  readonly forest: Forest;
  readonly wholeTrees: WholeTrees;
}

interface Instance {
  readonly connection: Connection;
  readonly sandbox: Sandbox;
}

/** An instance lent to one run, and what the run needs to know. */
export interface Scout {
  readonly connection: Connection;
  readonly sandbox: Sandbox;
  readonly forest: Forest;
  readonly wholeTrees: WholeTrees;
  /** Another one for each run. */
  readonly number: number;
  /** Takes it back. */
  end(ending: Ending, milliseconds: number): void;
}

/** The instances that run statements ahead, made when they are first needed and released when nobody needs them any more. */
export class Scouts {
  readonly driver: ConnectionSetup["driver"]["name"];
  readonly now: () => number;
  readonly #options: ScoutsOptions;
  readonly #counters = {
    runs: 0,
    completed: 0,
    failed: 0,
    skipped: 0,
    named: 0,
    reached: 0,
    milliseconds: 0,
  };
  readonly #idle: Instance[] = [];
  #instances = 0;
  #generation = 0;
  #number = 0;
  #idleTimer: unknown;
  readonly #closing = new AbortController();
  #plan: Plan | undefined;

  constructor(options: ScoutsOptions) {
    this.#options = options;
    this.now = options.now;
    this.driver = options.setup.driver.name;
  }

  /** Follows a statement that is about to run. */
  follow(task: Task, spending?: Spending): RunAhead {
    return new RunAhead(task, this, spending);
  }

  /** Lends an instance at once; `undefined` if all are in use, or not all of the schema is here. */
  take(view: View, glance: Glance): Scout | undefined {
    const plan = this.#planOf(view, glance);
    const free = this.#idle.length > 0 || this.#instances < MAX_SCOUTS;
    if (plan === undefined || !free || this.#closing.signal.aborted) {
      this.#counters.skipped++;
      return undefined;
    }
    const instance = this.#idle.pop() ?? this.#make();
    this.#counters.runs++;
    this.#number = (this.#number + ATTEMPTS_PER_RUN) | 0;
    const generation = this.#generation;
    return {
      ...instance,
      forest: plan.forest,
      wholeTrees: plan.wholeTrees,
      number: this.#number,
      end: (ending, milliseconds) => {
        if (ending === "completed") this.#counters.completed++;
        else if (ending === "failed") this.#counters.failed++;
        this.#counters.milliseconds += milliseconds;
        this.#putBack(instance, generation);
      },
    };
  }

  /**
   * Whether a statement can run without the network.
   * @throws {SqlError} as the statement itself would
   */
  async isResident(snapshot: Snapshot, task: Task, signal: AbortSignal): Promise<boolean> {
    if (snapshot.pageCount > 0 && !holds(snapshot, pageNo(1))) return false;
    return this.#survey((surveyor) => isResident(surveyor, snapshot, task, signal));
  }

  /** What a statement is expected to fetch. */
  async estimate(snapshot: Snapshot, task: Task, signal: AbortSignal): Promise<Estimate> {
    if (snapshot.pageCount === 0) return { requests: 0, pages: 0, bytes: 0, complete: true };
    const forest = await Forest.load(snapshot, signal);
    return this.#survey((surveyor) => estimate(surveyor, snapshot, forest, task, signal));
  }

  /** A statement is over for which pages were asked for. */
  account({ named, reached }: Batches): void {
    this.#counters.named += named;
    this.#counters.reached += reached;
  }

  /** Has the instances replaced, because they should be set up otherwise. */
  renew(): void {
    this.#generation++;
    for (const instance of this.#idle.splice(0)) void this.#drop(instance);
  }

  stats(): ScoutStats {
    return { ...this.#counters, instances: this.#instances };
  }

  /** Whatever runs has to be ended before. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#options.timers.clearTimeout(this.#idleTimer);
    await Promise.all(this.#idle.splice(0).map((instance) => this.#drop(instance)));
  }

  /** Those who ask get an instance however many there are. */
  async #survey<T>(work: (surveyor: Surveyor) => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw closedError("the database");
    const instance = this.#idle.pop() ?? this.#make();
    const generation = this.#generation;
    this.#number = (this.#number + ATTEMPTS_PER_RUN) | 0;
    try {
      return await work({ ...instance, number: this.#number });
    } finally {
      this.#putBack(instance, generation);
    }
  }

  /** `undefined` where not all of the schema is here. */
  #planOf({ snapshot, header }: View, glance: Glance): Plan | undefined {
    const known = this.#plan;
    const cookie = header?.schemaCookie ?? 0;
    const { version } = snapshot;
    if (known?.version === version && known.cookie === cookie) return known;
    try {
      const forest = Forest.read(glance, snapshot.pageCount);
      this.#plan =
        forest === undefined
          ? undefined
          : {
              version,
              cookie,
              forest,
              wholeTrees: new WholeTrees(forest.header.usableSize, this.#closing.signal),
            };
      return this.#plan;
    } catch {
      // The statement itself will find out and say so.
      return undefined;
    }
  }

  #make(): Instance {
    const { setup } = this.#options;
    const counters = { waits: 0, restarts: 0, instances: 0 };
    const sandbox = new Sandbox();
    const settings = [...setup.settings, TOLERANT];
    const writing = { source: sandbox };
    const connection = Connection.now({ ...setup, settings, writing, counters });
    this.#instances++;
    return { connection, sandbox };
  }

  #putBack(instance: Instance, generation: number): void {
    instance.sandbox.pages = undefined;
    const { broken, inTransaction } = instance.connection;
    if (this.#closing.signal.aborted || broken || inTransaction || generation !== this.#generation) {
      void this.#drop(instance);
      return;
    }
    this.#idle.push(instance);
    const { timers, idleMilliseconds } = this.#options;
    timers.clearTimeout(this.#idleTimer);
    this.#idleTimer = timers.setTimeout(() => {
      for (const idle of this.#idle.splice(0)) void this.#drop(idle);
    }, idleMilliseconds);
  }

  #drop({ connection }: Instance): Promise<void> {
    this.#instances--;
    return connection.close();
  }
}
