import { LacunaError, type PageNo, type PageSource, type Revision } from "@lacuna/page";
import type { PrefetchSnapshot, Snapshot } from "@lacuna/pager";
import type { Connection } from "../connection.ts";
import { walkThrough } from "../execution.ts";
import { View } from "../view.ts";
import type { Forest } from "./forest.ts";
import { type Glance, glanceOf } from "./glance.ts";
import { GuessedPages, type Guide, withChangeCounter } from "./guessed-pages.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Task } from "./scout-run.ts";

/** What a statement is expected to fetch, as far as the pages that are here tell. */
export interface Estimate {
  /** Requests, if what it wants is asked for in batches ahead of it. */
  readonly requests: number;
  /** Pages that are not here. */
  readonly pages: number;
  /** Bytes of these pages. */
  readonly bytes: number;
  /** The statement was followed to its end. If not, it is at least this much. */
  readonly complete: boolean;
}

/** An instance to look with. */
export interface Surveyor {
  readonly connection: Connection;
  readonly sandbox: Sandbox;
  /** Another one for each run. */
  readonly number: number;
}

/** How often a survey may read a page. */
const MOST_STEPS = 1_000_000;
/** Bytes of the first batch; each is twice as large as the one before. */
const FIRST_BYTES = 131_072;

class NotHeld extends Error {}

/** Whether a page can be read without the network. */
export function holds(snapshot: Snapshot | PrefetchSnapshot, page: PageNo): boolean {
  return "holds" in snapshot && snapshot.holds !== undefined
    ? snapshot.holds(page)
    : snapshot.peek(page) !== undefined;
}

/** The pages that are held; any other ends the statement that reads it. */
class HeldPages implements Snapshot {
  readonly revision: Revision;
  readonly version: number;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly #snapshot: Snapshot;
  readonly #glance: Glance;
  readonly #number: number;

  constructor(snapshot: Snapshot, number: number) {
    this.revision = snapshot.revision;
    this.version = snapshot.version;
    this.pageSize = snapshot.pageSize;
    this.pageCount = snapshot.pageCount;
    this.#snapshot = snapshot;
    this.#glance = glanceOf(snapshot);
    this.#number = number;
  }

  peek(page: PageNo): Uint8Array | undefined {
    const bytes = this.#glance(page);
    if (bytes === undefined && !holds(this.#snapshot, page)) throw new NotHeld();
    return page === 1 && bytes !== undefined ? withChangeCounter(bytes, this.#number) : bytes;
  }

  async read(...wanted: Parameters<PageSource["read"]>): Promise<Uint8Array> {
    if (!holds(this.#snapshot, wanted[0])) throw new NotHeld();
    const bytes = await this.#snapshot.read(...wanted);
    return wanted[0] === 1 ? withChangeCounter(bytes, this.#number) : bytes;
  }

  release(): void {}
}

/** Names every page that is not here once. */
class Census implements Guide {
  readonly pages = new Set<PageNo>();
  #steps = MOST_STEPS;

  step(): void {
    if (--this.#steps < 0) throw new LacunaError("BUDGET", "the survey took too many steps");
  }

  meet(page: PageNo): boolean {
    this.pages.add(page);
    return true;
  }

  async proceed(): Promise<void> {}
}

/**
 * Whether a statement can run without the network: it is run, on the pages that are held alone.
 * @throws {SqlError} as the statement itself would
 * @throws `signal.reason` if aborted
 */
export async function isResident(
  { connection, sandbox, number }: Surveyor,
  snapshot: Snapshot,
  { sql, given, limit }: Task,
  signal: AbortSignal,
): Promise<boolean> {
  const held = new HeldPages(snapshot, number);
  sandbox.pages = held;
  const view = (): Promise<View> => View.open(sandbox, signal);
  try {
    await walkThrough(connection, { sql, given, signal, view }, limit);
    return true;
  } catch (error) {
    if (error instanceof NotHeld) return false;
    throw error;
  }
}

/** What a statement is expected to fetch. Placeholders may end it early, and then `complete` is false. */
export async function estimate(
  { connection, sandbox, number }: Surveyor,
  snapshot: Snapshot,
  forest: Forest,
  { sql, given, limit, writes }: Task,
  signal: AbortSignal,
): Promise<Estimate> {
  const census = new Census();
  const guessed = new GuessedPages(snapshot, glanceOf(snapshot), forest, census, number, writes);
  sandbox.pages = guessed;
  const view = (): Promise<View> => View.open(sandbox, signal);
  let complete = true;
  try {
    await walkThrough(connection, { sql, given, signal, view }, limit);
  } catch (error) {
    signal.throwIfAborted();
    // Without a placeholder on its way it would have failed all the same.
    if (census.pages.size === 0) throw error;
    complete = false;
  }
  const bytes = census.pages.size * snapshot.pageSize;
  const requests = bytes === 0 ? 0 : Math.ceil(Math.log2(bytes / FIRST_BYTES + 1));
  return { requests, pages: census.pages.size, bytes, complete };
}
