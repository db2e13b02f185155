import {
  closedError,
  isLacunaError,
  type LinkEstimate,
  type PageNo,
  type PrefetchOptions,
  type ReadOptions,
  type Revision,
} from "@lacuna/page";
import type { BaseView } from "./base-view.ts";
import type { Frame, Overlay } from "./local/overlay.ts";
import type { PrefetchSnapshot } from "./snapshot.ts";

/** One state of a database: local pages over a base. */
export interface DatabaseState {
  readonly version: number;
  readonly pageCount: number;
  readonly base: BaseView;
  /** Absent where nothing is ever written. */
  readonly overlay: Overlay | undefined;
}

/** Who is told what happens to a snapshot. */
export interface SnapshotOwner {
  /** A read found out that the remote no longer serves the revision. */
  revisionChanged(state: DatabaseState): void;
  released(snapshot: PagerSnapshot): void;
}

/** The pages of one state. */
export class PagerSnapshot implements PrefetchSnapshot {
  readonly revision: Revision;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly version: number;
  readonly #owner: SnapshotOwner;
  #state: DatabaseState | undefined;

  constructor(state: DatabaseState, owner: SnapshotOwner) {
    this.revision = state.base.revision;
    this.pageSize = state.base.pageSize;
    this.pageCount = state.pageCount;
    this.version = state.version;
    this.#state = state;
    this.#owner = owner;
    state.overlay?.hold(state.version);
  }

  /** `undefined` once the snapshot is released. */
  get state(): DatabaseState | undefined {
    return this.#state;
  }

  /** `undefined` also once the snapshot is released. */
  peek(page: PageNo): Uint8Array | undefined {
    const state = this.#state;
    if (state === undefined) return undefined;
    const frame = findFrame(state, page);
    if (frame !== undefined) return state.overlay?.peek(frame);
    return isInBase(state, page) ? state.base.peek(page) : undefined;
  }

  /** `false` also once the snapshot is released. */
  copyTo(page: PageNo, into: Uint8Array, at: number): boolean {
    const state = this.#state;
    if (state === undefined) return false;
    const frame = findFrame(state, page);
    if (frame === undefined) return isInBase(state, page) && state.base.copyTo(page, into, at);
    const bytes = state.overlay?.peek(frame);
    if (bytes !== undefined) into.set(bytes, at);
    return bytes !== undefined;
  }

  async read(page: PageNo, options?: ReadOptions): Promise<Uint8Array> {
    const state = this.#state;
    if (state === undefined) throw closedError("the snapshot");
    if (!Number.isInteger(page) || page < 1 || page > this.pageCount) {
      throw new RangeError(`expected a page from 1 to ${this.pageCount}, got ${page}`);
    }
    const frame = findFrame(state, page);
    if (frame !== undefined && state.overlay !== undefined) {
      options?.signal?.throwIfAborted();
      return await state.overlay.read(frame);
    }
    // Only the page that SQLite never uses can be missing: the one with its locks.
    if (!isInBase(state, page)) return new Uint8Array(this.pageSize);
    try {
      return await state.base.read(page, options);
    } catch (error) {
      if (isLacunaError(error, "REVISION_CHANGED")) this.#owner.revisionChanged(state);
      throw error;
    }
  }

  async prefetch(pages: readonly PageNo[], options?: PrefetchOptions): Promise<void> {
    const state = this.#state;
    if (state === undefined) return;
    const wanted =
      state.overlay === undefined
        ? pages
        : pages.filter((page) => isInBase(state, page) && findFrame(state, page) === undefined);
    if (wanted.length > 0) await state.base.prefetch(wanted, options);
  }

  /** `undefined` also once the snapshot is released. */
  glance(page: PageNo, into?: Uint8Array): Uint8Array | undefined {
    const state = this.#state;
    if (state === undefined) return undefined;
    const frame = findFrame(state, page);
    if (frame !== undefined) return state.overlay?.peek(frame);
    return isInBase(state, page) ? state.base.glance(page, into) : undefined;
  }

  /** `false` also once the snapshot is released. */
  holds(page: PageNo): boolean {
    const state = this.#state;
    if (state === undefined) return false;
    return findFrame(state, page) !== undefined || (isInBase(state, page) && state.base.holds(page));
  }

  get memoryBytes(): number | undefined {
    return this.#state?.base.memoryBytes;
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#state?.base.linkEstimate();
  }

  release(): void {
    const state = this.#state;
    if (state === undefined) return;
    this.#state = undefined;
    state.overlay?.release(state.version);
    this.#owner.released(this);
  }
}

function findFrame({ overlay, version, pageCount }: DatabaseState, page: PageNo): Frame | undefined {
  return page > pageCount ? undefined : overlay?.find(page, version);
}

const isInBase = ({ base, pageCount }: DatabaseState, page: PageNo): boolean =>
  page <= pageCount && page <= base.pageCount;
