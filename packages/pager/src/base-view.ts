import type {
  DatabaseShape,
  LinkEstimate,
  PageNo,
  PrefetchOptions,
  PrefetchSource,
  ReadOptions,
  Revision,
} from "@lacuna/page";

/** The pages of one revision, which may come from elsewhere once the replica has moved to another one. */
export class BaseView implements PrefetchSource {
  readonly revision: Revision;
  readonly pageSize: number;
  readonly pageCount: number;
  #source: PrefetchSource;

  constructor(source: PrefetchSource) {
    this.revision = source.revision;
    this.pageSize = source.pageSize;
    this.pageCount = source.pageCount;
    this.#source = source;
  }

  get shape(): DatabaseShape {
    return { revision: this.revision, pageSize: this.pageSize, pageCount: this.pageCount };
  }

  get source(): PrefetchSource {
    return this.#source;
  }

  /** From here on the pages come from `source`, also those that are being waited for. */
  replace(source: PrefetchSource): void {
    this.#source = source;
  }

  peek(page: PageNo): Uint8Array | undefined {
    return this.#source.peek(page);
  }

  copyTo(page: PageNo, into: Uint8Array, at: number): boolean {
    return this.#source.copyTo?.(page, into, at) ?? false;
  }

  async read(page: PageNo, options?: ReadOptions): Promise<Uint8Array> {
    const source = this.#source;
    try {
      return await source.read(page, options);
    } catch (error) {
      if (source === this.#source || options?.signal?.aborted) throw error;
      return await this.#source.read(page, options);
    }
  }

  prefetch(pages: readonly PageNo[], options?: PrefetchOptions): Promise<void> {
    return this.#source.prefetch(pages, options);
  }

  glance(page: PageNo, into?: Uint8Array): Uint8Array | undefined {
    const source = this.#source;
    return source.glance === undefined ? source.peek(page) : source.glance(page, into);
  }

  holds(page: PageNo): boolean {
    const source = this.#source;
    return source.holds === undefined ? source.peek(page) !== undefined : source.holds(page);
  }

  get memoryBytes(): number | undefined {
    return this.#source.memoryBytes;
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#source.linkEstimate?.();
  }
}
