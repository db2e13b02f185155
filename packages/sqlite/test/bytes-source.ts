import { DatabaseSync } from "node:sqlite";
import { closedError, type DatabaseShape, type PageNo, type ReadOptions, revision } from "@lacuna/page";
import type { Snapshot, SnapshotSource } from "@lacuna/pager";

/** A database as bytes, made by the real SQLite. */
export function makeDatabase(build: (db: DatabaseSync) => void): Uint8Array {
  const db = new DatabaseSync(":memory:");
  try {
    build(db);
    return db.serialize();
  } finally {
    db.close();
  }
}

/** One request for a page, for the test to answer. */
export interface PendingRead {
  readonly page: PageNo;
  deliver(): void;
  fail(error: unknown): void;
}

export interface BytesSourceOptions {
  /** Pages in memory from the start: all of them, or none. */
  readonly resident?: "all" | "none";
  /** Forget a page as soon as it was delivered, so that nothing is ever found in memory. */
  readonly forgetful?: boolean;
  readonly revision?: string;
}

/**
 * A source of snapshots over bytes, as strict as a real one: pages are absent until they were read, a read takes at
 * least a turn of the event loop, aborting rejects with the reason, and what was released cannot be read.
 */
export class BytesSource implements SnapshotSource {
  readonly resident = new Set<number>();
  /** Pages read, in order, resident ones not counted. */
  readonly reads: number[] = [];
  /** Reads under way now, and the most there were at once. */
  inFlight = 0;
  mostInFlight = 0;
  /** Waves of reads: one that starts while none is under way begins another. */
  roundTrips = 0;
  held = 0;
  closed = false;
  /** Fails the read of a page with what this returns. */
  failure: ((page: number) => unknown) | undefined;
  /** Set it to answer reads by hand. */
  onRead: ((read: PendingRead) => void) | undefined;
  #bytes: Uint8Array;
  #version = 1;
  #shape: DatabaseShape;
  readonly #forgetful: boolean;

  constructor(bytes: Uint8Array, options: BytesSourceOptions = {}) {
    this.#forgetful = options.forgetful ?? false;
    this.#bytes = bytes;
    this.#shape = shapeOf(bytes, options.revision ?? "r1");
    if (options.resident !== "none") this.fill();
  }

  /** Another state of the database is the newest from now on. */
  replace(bytes: Uint8Array, name: string): void {
    this.#bytes = bytes;
    this.#version++;
    this.#shape = shapeOf(bytes, name);
    const all = this.resident.size > 0;
    this.resident.clear();
    if (all) this.fill();
  }

  fill(): void {
    for (let page = 1; page <= this.#shape.pageCount; page++) this.resident.add(page);
  }

  snapshot(): Snapshot {
    if (this.closed) throw closedError("the source");
    const bytes = this.#bytes;
    const shape = this.#shape;
    let released = false;
    this.held++;
    const slice = (page: PageNo) => bytes.subarray((page - 1) * shape.pageSize, page * shape.pageSize);
    const current = () => this.#bytes === bytes;
    return {
      ...shape,
      version: this.#version,
      peek: (page) => {
        if (released) throw closedError("the snapshot");
        return this.resident.has(page) && current() ? slice(page) : undefined;
      },
      read: async (page, options) => {
        if (released) throw closedError("the snapshot");
        if (page > shape.pageCount) throw new RangeError(`page ${page} of ${shape.pageCount}`);
        if (this.resident.has(page) && current()) return slice(page);
        await this.#fetch(page, options);
        if (!this.#forgetful && current()) this.resident.add(page);
        return slice(page);
      },
      release: () => {
        if (!released) this.held--;
        released = true;
      },
    };
  }

  async #fetch(page: PageNo, options: ReadOptions | undefined): Promise<void> {
    const signal = options?.signal;
    signal?.throwIfAborted();
    this.reads.push(page);
    if (this.inFlight++ === 0) this.roundTrips++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    let abort = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        abort = () => reject(signal?.reason);
        signal?.addEventListener("abort", abort, { once: true });
        if (this.onRead !== undefined) this.onRead({ page, deliver: resolve, fail: reject });
        else setImmediate(resolve);
      });
      const error = this.failure?.(page);
      if (error !== undefined) throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.inFlight--;
    }
  }
}

function shapeOf(bytes: Uint8Array, name: string): DatabaseShape {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stored = bytes.length === 0 ? 4096 : view.getUint16(16);
  const pageSize = stored === 1 ? 65536 : stored;
  return { revision: revision(name), pageSize, pageCount: bytes.length / pageSize };
}
