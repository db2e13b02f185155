import { closedError, type PageNo, revision } from "@lacuna/page";
import type { PrefetchSnapshot, WriteSource, WriteTransaction } from "@lacuna/pager";

/** One state of a database: its pages by index, and which version it is. */
interface State {
  readonly version: number;
  readonly pages: readonly Uint8Array[];
}

export interface MemorySourceOptions {
  readonly pageSize?: number;
  /** Whether a page that was not written here is in memory; others have to be waited for. Asked each time. */
  readonly resident?: (page: PageNo) => boolean;
}

/**
 * Somewhere to write to, in memory, as strict as a real one: one writer at a time, in the order asked; a commit takes a
 * turn of the event loop, happens whole or not at all; what is over cannot be used.
 */
export class MemorySource implements WriteSource {
  readonly pageSize: number;
  /** The changes handed to commits that happened. */
  readonly changes: (Uint8Array | undefined)[] = [];
  /** Pages waited for. */
  waits = 0;
  held = 0;
  writers = 0;
  commits = 0;
  /** Fails a commit with what this returns. */
  failure: (() => unknown) | undefined;
  /** Fails the read of a page with what this returns. */
  readFailure: ((page: PageNo) => unknown) | undefined;
  /** Told what is asked for ahead. */
  onPrefetch: ((pages: readonly PageNo[]) => void) | undefined;
  #state: State;
  #tail: Promise<void> = Promise.resolve();
  #resident: (page: PageNo) => boolean;
  readonly #written = new Set<PageNo>();

  constructor(bytes: Uint8Array, options: MemorySourceOptions = {}) {
    const stored = bytes.length === 0 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint16(16);
    this.pageSize = options.pageSize ?? (stored === 0 ? 4096 : stored === 1 ? 65536 : stored);
    const count = bytes.length / this.pageSize;
    const page = (index: number) => bytes.slice(index * this.pageSize, (index + 1) * this.pageSize);
    this.#state = { version: 1, pages: Array.from({ length: count }, (_, index) => page(index)) };
    this.#resident = options.resident ?? (() => true);
  }

  get version(): number {
    return this.#state.version;
  }

  /** The newest state as a file in rollback mode. */
  bytes(): Uint8Array {
    const { pages } = this.#state;
    const bytes = new Uint8Array(pages.length * this.pageSize);
    for (const [index, page] of pages.entries()) bytes.set(page, index * this.pageSize);
    if (pages.length > 0) bytes.fill(1, 18, 20);
    return bytes;
  }

  snapshot(): PrefetchSnapshot {
    return this.#snapshotOf(this.#state);
  }

  async begin(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<WriteTransaction> {
    options.signal?.throwIfAborted();
    const before = this.#tail;
    let end = (): void => {};
    const mine = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#tail = before.then(() => mine);
    const aborted = new Promise<never>((_, reject) => {
      options.signal?.addEventListener("abort", () => reject(options.signal?.reason), { once: true });
    });
    try {
      await Promise.race([before, aborted]);
    } catch (error) {
      void before.then(end);
      throw error;
    }
    this.writers++;
    return this.#transaction(() => {
      this.writers--;
      end();
    });
  }

  #snapshotOf(state: State): PrefetchSnapshot {
    let released = false;
    this.held++;
    const peek = (page: PageNo): Uint8Array | undefined => {
      if (released) throw closedError("the snapshot");
      const local = this.#written.has(page) || this.#resident(page);
      return local ? state.pages[page - 1] : undefined;
    };
    return {
      revision: revision("local"),
      pageSize: this.pageSize,
      pageCount: state.pages.length,
      version: state.version,
      peek,
      read: async (page, options) => {
        if (released) throw closedError("the snapshot");
        options?.signal?.throwIfAborted();
        this.waits++;
        await new Promise((resolve) => setImmediate(resolve));
        options?.signal?.throwIfAborted();
        const failure = this.readFailure?.(page);
        if (failure !== undefined) throw failure;
        const bytes = state.pages[page - 1];
        if (bytes === undefined) throw new RangeError(`page ${page} of ${state.pages.length}`);
        return bytes;
      },
      prefetch: async (pages) => this.onPrefetch?.(pages),
      release: () => {
        if (!released) this.held--;
        released = true;
      },
    };
  }

  #transaction(end: () => void): WriteTransaction {
    const base = this.#state;
    const below = this.#snapshotOf(base);
    const staged = new Map<number, Uint8Array>();
    let pageCount = base.pages.length;
    let over = false;
    const check = (): void => {
      if (over) throw closedError("the transaction");
    };
    const finish = (): void => {
      if (over) return;
      over = true;
      below.release();
      end();
    };
    const local = (page: PageNo): Uint8Array | undefined =>
      staged.get(page) ?? (page > base.pages.length ? new Uint8Array(this.pageSize) : undefined);
    return {
      ...below,
      get pageCount() {
        return pageCount;
      },
      peek: (page) => {
        check();
        return local(page) ?? below.peek(page);
      },
      read: async (page, options) => {
        check();
        return local(page) ?? below.read(page, options);
      },
      write: (page, bytes) => {
        check();
        if (bytes.length !== this.pageSize) throw new RangeError(`a page of ${bytes.length} bytes`);
        staged.set(page, bytes.slice());
        pageCount = Math.max(pageCount, page);
      },
      truncate: (count) => {
        check();
        for (const page of staged.keys()) if (page > count) staged.delete(page);
        // A page of the base that is cut off and comes back is zeros.
        for (let page = count + 1; page <= base.pages.length; page++) {
          staged.set(page, new Uint8Array(this.pageSize));
        }
        pageCount = count;
      },
      commit: async (change) => {
        check();
        await new Promise((resolve) => setImmediate(resolve));
        const failure = this.failure?.();
        if (failure !== undefined) {
          finish();
          throw failure;
        }
        if (staged.size > 0 || change !== undefined) this.#adopt(base, staged, pageCount, change);
        finish();
        return this.#state.version;
      },
      rollback: finish,
      release: finish,
    };
  }

  #adopt(
    base: State,
    staged: Map<number, Uint8Array>,
    pageCount: number,
    change: Uint8Array | undefined,
  ): void {
    const page = (number: number) =>
      staged.get(number) ?? base.pages[number - 1] ?? new Uint8Array(this.pageSize);
    for (const number of staged.keys()) this.#written.add(number as PageNo);
    for (let number = base.pages.length + 1; number <= pageCount; number++)
      this.#written.add(number as PageNo);
    this.commits++;
    this.changes.push(change?.slice());
    this.#state = {
      version: base.version + 1,
      pages: Array.from({ length: pageCount }, (_, index) => page(index + 1)),
    };
  }
}
