import type { AccessEvent, PageNo, Predictor, ReadTask } from "@lacuna/page";
import { InteriorPage, type InteriorPages } from "./interior-pages.ts";
import { interiorPages, type ScanPredictorOptions } from "./scan-predictor.ts";
import { type Extent, TaskHistory } from "./task-history.ts";

export interface HistoryPredictorOptions extends Pick<ScanPredictorOptions, "usableSize" | "maxChildren"> {
  /**
   * Where what was learned is kept.
   * @default a new one
   */
  readonly history?: TaskHistory | undefined;
}

/** Pages remembered of one run. */
const MAX_PAGES = 1024;
/** Leaves predicted because so many were read from another place the last time. */
const MAX_EXTENT = 64;
/** Runs followed at the same time. */
const MAX_RUNS = 16;

/** A way through one tree: the leaves read one after the other since it was entered. */
interface Stretch {
  parent: InteriorPage;
  position: number;
  leaves: number;
  step: 1 | -1;
  readonly depth: number;
}

/** One run of a task, from its first miss on. */
interface Run {
  readonly task: ReadTask;
  readonly pages: Set<PageNo>;
  readonly extents: Map<PageNo, Extent>;
  readonly stretches: Map<PageNo, Stretch>;
}

/**
 * Predicts from what the same task, such as a statement, came to the last time: at its first miss the same pages, which are
 * here already unless they were dropped since, and where it enters a tree at another place, as many leaves in the same
 * direction as it read the last time.
 *
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function historyPredictor(options: HistoryPredictorOptions): Predictor {
  return new HistoryPredictor(options, interiorPages(options));
}

const NONE: readonly PageNo[] = [];

export class HistoryPredictor implements Predictor {
  readonly cause = "history";
  readonly #pages: InteriorPages;
  readonly #history: TaskHistory;
  #runs: Run[] = [];
  /** The run whose page came last: what is read without waiting after that is taken to be its reading. */
  #current: Run | undefined;
  #wanted: PageNo[] = [];

  constructor(options: HistoryPredictorOptions, pages: InteriorPages) {
    this.#pages = pages;
    this.#history = options.history ?? new TaskHistory();
  }

  observe({ page, bytes, task, miss }: AccessEvent): void {
    if (task !== undefined && this.#current?.task !== task) this.#current = this.#runOf(task);
    const run = this.#current;
    if (run === undefined) return;
    if (run.pages.size < MAX_PAGES) run.pages.add(page);
    const place = this.#pages.see(page, bytes);
    const parent = this.#pages.parentAt(place);
    if (parent === undefined) return;
    const position = this.#pages.positionAt(place);
    if (bytes !== undefined && parent.leafChildren === true) this.#atLeaf(run, page, parent, position);
    else if (bytes === undefined && miss) this.#missed(run, page, parent, position);
  }

  predict(limit: number): readonly PageNo[] {
    return this.#wanted.length === 0 ? NONE : this.#wanted.splice(0, limit);
  }

  reset(): void {
    this.#runs = [];
    this.#current = undefined;
    this.#wanted = [];
    this.#pages.clear();
    this.#history.clear();
  }

  #runOf(task: ReadTask): Run {
    const known = this.#runs.find((run) => run.task === task);
    if (known !== undefined) return known;
    // The run before it is over, or will not mind.
    for (const run of this.#runs) if (run.task.name === task.name) this.#end(run);
    const run: Run = { task, pages: new Set(), extents: new Map(), stretches: new Map() };
    this.#runs.push(run);
    if (this.#runs.length > MAX_RUNS) this.#end(this.#runs[0] as Run);
    this.#want(this.#history.recall(task.name)?.pages ?? NONE);
    return run;
  }

  #end(run: Run): void {
    this.#runs = this.#runs.filter((each) => each !== run);
    for (const [root, stretch] of run.stretches) run.extents.set(root, extentOf(stretch));
    this.#history.keep(run.task.name, { pages: [...run.pages], extents: run.extents });
  }

  /** The reader has to wait for a page: does it enter a tree there, as it did before? */
  #missed(run: Run, page: PageNo, parent: InteriorPage, position: number): void {
    const { root, depth } = this.#pages.rootOf(page);
    const stretch = run.stretches.get(root);
    if (stretch !== undefined && this.#stepTo(stretch, parent, position) !== undefined) return;
    const extent = run.extents.get(root) ?? this.#history.recall(run.task.name)?.extents.get(root);
    if (extent?.depth === depth) this.#want(this.#leavesFrom(parent, position, extent));
  }

  #atLeaf(run: Run, page: PageNo, parent: InteriorPage, position: number): void {
    const { root, depth } = this.#pages.rootOf(page);
    const stretch = run.stretches.get(root);
    const step = stretch === undefined ? undefined : this.#stepTo(stretch, parent, position);
    if (stretch === undefined || step === undefined || (stretch.leaves > 1 && stretch.step !== step)) {
      if (stretch?.parent === parent && stretch.position === position) return;
      if (stretch !== undefined) run.extents.set(root, extentOf(stretch));
      run.stretches.set(root, { parent, position, leaves: 1, step: 1, depth });
      return;
    }
    stretch.parent = parent;
    stretch.position = position;
    stretch.leaves++;
    stretch.step = step;
  }

  #stepTo(from: Stretch, parent: InteriorPage, position: number): 1 | -1 | undefined {
    if (parent === from.parent) {
      const distance = position - from.position;
      return distance === 1 || distance === -1 ? distance : undefined;
    }
    const last = parent.children.length - 1;
    const step = position === 0 ? 1 : position === last ? -1 : undefined;
    const leaving = step === 1 ? from.parent.children.length - 1 : 0;
    if (step === undefined || from.position !== leaving) return undefined;
    return this.#pages.neighbour(from.parent, step) === parent ? step : undefined;
  }

  /** The leaves of an extent behind the one it begins with, or the page above them that has to come first. */
  #leavesFrom(parent: InteriorPage, position: number, { leaves, step }: Extent): PageNo[] {
    const pages: PageNo[] = [];
    let at: InteriorPage | PageNo | undefined = parent;
    let next = position + step;
    while (pages.length < Math.min(leaves - 1, MAX_EXTENT) && at instanceof InteriorPage) {
      const child = at.children[next];
      if (child === undefined) {
        at = this.#pages.neighbour(at, step);
        if (at instanceof InteriorPage) next = step > 0 ? 0 : at.children.length - 1;
        else if (at !== undefined) pages.push(at);
        continue;
      }
      pages.push(child);
      next += step;
    }
    return pages;
  }

  #want(pages: readonly PageNo[]): void {
    if (pages.length > 0) this.#wanted = [...pages];
  }
}

const extentOf = ({ leaves, step, depth }: Stretch): Extent => ({ leaves, step, depth });
