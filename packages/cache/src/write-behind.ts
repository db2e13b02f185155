import type { PageEntry, PageNo, PageStore } from "@lacuna/page";

/** Bytes that are worth a write of their own. */
const BATCH_BYTES = 256 * 1024;
/** Bytes not yet stored from which on fetching waits for the store. */
const BACKLOG_BYTES = 4 * BATCH_BYTES;

export interface WriteBehindEvents {
  stored(pages: readonly PageNo[]): void;
  /** The store refused these pages; they are not tried again. */
  failed(pages: readonly PageNo[], error: unknown): void;
}

/** Puts arrived pages into the store in batches, one `put` at a time. */
export class WriteBehind {
  readonly #store: Pick<PageStore, "put">;
  readonly #events: WriteBehindEvents;
  #gathered: PageEntry[] = [];
  #gatheredBytes = 0;
  #writingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  #due = false;

  constructor(store: Pick<PageStore, "put">, events: WriteBehindEvents) {
    this.#store = store;
    this.#events = events;
  }

  /** True while so much waits for the store that no more should be fetched; `settled` tells when it is over. */
  get congested(): boolean {
    return this.#gatheredBytes + this.#writingBytes > BACKLOG_BYTES;
  }

  add(entry: PageEntry): void {
    this.#gathered.push(entry);
    this.#gatheredBytes += entry.bytes.length;
    if (this.#gatheredBytes >= BATCH_BYTES) this.flush();
  }

  /** Nothing more is expected soon: what was gathered is written. */
  flush(): void {
    this.#due = this.#gathered.length > 0;
    if (!this.#due || this.#busy) return;
    this.#busy = true;
    this.#writing = this.#write();
  }

  /** Forgets what was gathered; a `put` under way goes on. */
  drop(): void {
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#due = false;
  }

  /** Resolves when no `put` is under way or due. Never rejects. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#due) {
      const entries = this.#gathered;
      this.#writingBytes = this.#gatheredBytes;
      this.drop();
      const pages = entries.map((entry) => entry.page);
      try {
        await this.#store.put(entries);
        this.#events.stored(pages);
      } catch (error) {
        this.#events.failed(pages, error);
      }
      this.#writingBytes = 0;
    }
    this.#busy = false;
  }
}
