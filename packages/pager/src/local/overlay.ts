import { type ByteFile, LacunaError, type PageNo } from "@lacuna/page";
import { FrameMemory } from "./frame-memory.ts";

/** The bytes of a local page from one version of the database on. */
export interface Frame {
  readonly page: PageNo;
  readonly version: number;
  /** Where they start in the log. */
  offset: number;
  /** The bytes where they are not in the log: not yet, or no longer. */
  bytes: Uint8Array | undefined;
}

/**
 * Which local page is where, for every version of the database that somebody looks at. Pages are in memory while they
 * are not written; after that they are read back from the log.
 */
export class Overlay {
  readonly #pageSize: number;
  readonly #frames = new Map<PageNo, Frame[]>();
  readonly #memory: FrameMemory;
  // How many look at each version.
  readonly #held = new Map<number, number>();
  readonly #reads = new Set<Promise<unknown>>();
  #file: ByteFile;

  /** @param memoryPages how many pages of the log to keep in memory */
  constructor(file: ByteFile, pageSize: number, memoryPages: number) {
    this.#file = file;
    this.#pageSize = pageSize;
    this.#memory = new FrameMemory(memoryPages);
  }

  /** How many different pages are local. */
  get size(): number {
    return this.#frames.size;
  }

  /** Takes pages that are in the log. */
  load(offsets: ReadonlyMap<PageNo, number>, version: number): void {
    for (const [page, offset] of offsets)
      this.#frames.set(page, [{ page, version, offset, bytes: undefined }]);
  }

  /** The newest bytes of the page that a version may see. */
  find(page: PageNo, version: number): Frame | undefined {
    const frames = this.#frames.get(page);
    if (frames === undefined) return undefined;
    for (let at = frames.length - 1; at >= 0; at--) {
      const frame = frames[at];
      if (frame !== undefined && frame.version <= version) return frame;
    }
    return undefined;
  }

  /** Keeps the page, from a version on that is higher than any before. `bytes` must not change any more. */
  add(page: PageNo, version: number, offset: number, bytes: Uint8Array): Frame {
    const frame: Frame = { page, version, offset, bytes };
    const frames = this.#frames.get(page);
    if (frames === undefined) this.#frames.set(page, [frame]);
    else {
      frames.push(frame);
      this.#prune(frames);
    }
    return frame;
  }

  /** The frame is in the log now: its bytes may leave memory. */
  written(frame: Frame): void {
    if (frame.bytes !== undefined) this.#memory.add(frame, frame.bytes);
    frame.bytes = undefined;
  }

  /** The bytes, if they can be had without waiting. */
  peek(frame: Frame): Uint8Array | undefined {
    const here = frame.bytes ?? this.#memory.get(frame);
    if (here !== undefined || this.#file.readSync === undefined) return here;
    const bytes = new Uint8Array(this.#pageSize);
    this.#check(frame, this.#file.readSync(bytes, frame.offset));
    this.#memory.add(frame, bytes);
    return bytes;
  }

  async read(frame: Frame): Promise<Uint8Array> {
    const here = this.peek(frame);
    if (here !== undefined) return here;
    const bytes = new Uint8Array(this.#pageSize);
    const reading = this.#file.read(bytes, frame.offset);
    this.#reads.add(reading);
    try {
      this.#check(frame, await reading);
    } finally {
      this.#reads.delete(reading);
    }
    this.#memory.add(frame, bytes);
    return bytes;
  }

  /** Somebody looks at a version until `release`. */
  hold(version: number): void {
    this.#held.set(version, (this.#held.get(version) ?? 0) + 1);
  }

  release(version: number): void {
    const count = (this.#held.get(version) ?? 1) - 1;
    if (count === 0) this.#held.delete(version);
    else this.#held.set(version, count);
  }

  /** The newest frame of each page up to `pageCount`, ascending. */
  newest(pageCount: number): Frame[] {
    const found: Frame[] = [];
    for (const [page, frames] of this.#frames) {
      const frame = frames.at(-1);
      if (frame !== undefined && page <= pageCount) found.push(frame);
    }
    return found.sort((a, b) => a.page - b.page);
  }

  /**
   * From here on the newest pages are where `offsets` says in another file. Pages that only earlier versions show are
   * kept in memory for them. Resolves when nothing is read from the file of before any more.
   * @param offsets of every page of `newest`; local pages that are not in it are forgotten
   */
  async move(file: ByteFile, offsets: ReadonlyMap<PageNo, number>): Promise<void> {
    await this.#preserve((frame, frames) => frame !== frames.at(-1) || !offsets.has(frame.page));
    for (const frames of this.#frames.values()) {
      const newest = frames.at(-1);
      const offset = newest === undefined ? undefined : offsets.get(newest.page);
      if (newest !== undefined && offset !== undefined) newest.offset = offset;
    }
    this.#file = file;
    await this.#drained();
  }

  /** The same log is in another file now. Resolves when nothing is read from the file of before any more. */
  async moveAsItIs(file: ByteFile): Promise<void> {
    this.#file = file;
    await this.#drained();
  }

  /** The log goes away: what is still looked at is kept in memory. */
  async retire(): Promise<void> {
    await this.#preserve(() => true);
    await this.#drained();
  }

  async #drained(): Promise<void> {
    await Promise.allSettled(this.#reads);
  }

  async #preserve(which: (frame: Frame, frames: readonly Frame[]) => boolean): Promise<void> {
    for (const [page, frames] of this.#frames) {
      this.#prune(frames);
      for (const frame of [...frames]) {
        if (frame.bytes !== undefined || !which(frame, frames)) continue;
        if (this.#isSeen(frame, frames)) frame.bytes = await this.read(frame);
        else frames.splice(frames.indexOf(frame), 1);
      }
      if (frames.length === 0) this.#frames.delete(page);
    }
  }

  /** True if some version that is looked at shows this frame. */
  #isSeen(frame: Frame, frames: readonly Frame[]): boolean {
    const next = frames[frames.indexOf(frame) + 1]?.version ?? Number.POSITIVE_INFINITY;
    for (const version of this.#held.keys()) if (version >= frame.version && version < next) return true;
    return false;
  }

  /** Forgets the frames that nobody can see any more. */
  #prune(frames: Frame[]): void {
    for (let at = frames.length - 2; at >= 0; at--) {
      const frame = frames[at];
      if (frame === undefined || this.#isSeen(frame, frames)) continue;
      this.#memory.delete(frame);
      frames.splice(at, 1);
    }
  }

  #check(frame: Frame, read: number): void {
    if (read === this.#pageSize) return;
    throw new LacunaError("STORAGE", `expected ${this.#pageSize} bytes of the local page, got ${read}`, {
      page: frame.page,
    });
  }
}
