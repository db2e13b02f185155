import {
  closedError,
  isLacunaError,
  type LinkEstimate,
  type PageNo,
  type PrefetchOptions,
  type PrefetchSource,
  type ReadOptions,
  type Revision,
} from "@lacuna/page";
import type { PrefetchSnapshot, Snapshot } from "./snapshot.ts";

/** Who is told what happens to a snapshot. */
export interface SnapshotOwner {
  /** A read found out that the remote no longer serves the revision. */
  revisionChanged(): void;
  released(snapshot: Snapshot): void;
}

/** The pages of one revision as they are, without anything local over them. */
export class BaseSnapshot implements PrefetchSnapshot {
  readonly revision: Revision;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly version: number;
  readonly #owner: SnapshotOwner;
  #base: PrefetchSource | undefined;

  constructor(base: PrefetchSource, version: number, owner: SnapshotOwner) {
    this.revision = base.revision;
    this.pageSize = base.pageSize;
    this.pageCount = base.pageCount;
    this.version = version;
    this.#base = base;
    this.#owner = owner;
  }

  /** `undefined` also once the snapshot is released. */
  peek(page: PageNo): Uint8Array | undefined {
    return this.#base?.peek(page);
  }

  /** `false` also once the snapshot is released. */
  copyTo(page: PageNo, into: Uint8Array, at: number): boolean {
    return this.#base?.copyTo?.(page, into, at) ?? false;
  }

  async read(page: PageNo, options?: ReadOptions): Promise<Uint8Array> {
    if (this.#base === undefined) throw closedError("the snapshot");
    try {
      return await this.#base.read(page, options);
    } catch (error) {
      if (isLacunaError(error, "REVISION_CHANGED")) this.#owner.revisionChanged();
      throw error;
    }
  }

  async prefetch(pages: readonly PageNo[], options?: PrefetchOptions): Promise<void> {
    await this.#base?.prefetch(pages, options);
  }

  /** `undefined` also once the snapshot is released. */
  glance(page: PageNo): Uint8Array | undefined {
    const base = this.#base;
    return base?.glance === undefined ? base?.peek(page) : base.glance(page);
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#base?.linkEstimate?.();
  }

  release(): void {
    if (this.#base === undefined) return;
    this.#base = undefined;
    this.#owner.released(this);
  }
}
