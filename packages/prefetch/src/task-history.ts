import type { PageNo } from "@lacuna/page";

/** How a reader went through a tree the last time. */
export interface Extent {
  /** Leaves read one after the other from where it entered. */
  readonly leaves: number;
  readonly step: 1 | -1;
  /** How far the leaves are below the root. */
  readonly depth: number;
}

/** What one run of a task came to. */
export interface TaskRecord {
  /** In the order met. */
  readonly pages: readonly PageNo[];
  /** By the root of each tree. */
  readonly extents: ReadonlyMap<PageNo, Extent>;
}

/** Tasks remembered; the one that was run longest ago is forgotten first. */
const MAX_TASKS = 64;

/**
 * What tasks came to when they were run the last time, by their name. May outlive the predictors that fill it: pages mostly
 * keep their numbers when a database moves on, and nothing here is ever more than a guess.
 */
export class TaskHistory {
  readonly #records = new Map<string, TaskRecord>();

  recall(name: string): TaskRecord | undefined {
    return this.#records.get(name);
  }

  keep(name: string, record: TaskRecord): void {
    this.#records.delete(name);
    this.#records.set(name, record);
    if (this.#records.size <= MAX_TASKS) return;
    const [oldest] = this.#records.keys();
    if (oldest !== undefined) this.#records.delete(oldest);
  }

  clear(): void {
    this.#records.clear();
  }
}
