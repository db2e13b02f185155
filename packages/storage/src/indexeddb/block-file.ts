import type { OpenFile } from "../files/file-system.ts";
import { posixError } from "../web/posix-error.ts";
import { request, type StoredFile, transaction } from "./file-database.ts";
import { BLOCK_BYTES, packBlock, unpackBlock } from "./packed-block.ts";

/** Bytes written and not yet stored, at most. */
const MAX_UNSTORED_BYTES = 4 << 20;

/**
 * A file in blocks. What is written stays in memory until it is synced, or is more than 4 MiB, and is then stored in one
 * transaction. A block that was never written is zeros, and one that is all zeros again is not kept.
 */
export class BlockFile implements OpenFile {
  readonly #database: IDBDatabase;
  readonly #path: string;
  readonly #id: string;
  readonly #packs: boolean;
  #size: number;
  #storedSize: number;
  /** Blocks written and not yet stored. */
  #unstored = new Map<number, Uint8Array<ArrayBuffer>>();
  /** The first block that was cut off since the file was stored. */
  #cutFrom = Number.POSITIVE_INFINITY;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param packs keeps blocks compressed */
  constructor(database: IDBDatabase, path: string, file: StoredFile, packs: boolean) {
    this.#database = database;
    this.#path = path;
    this.#id = file.id;
    this.#packs = packs;
    this.#size = file.size;
    this.#storedSize = file.size;
  }

  async size(): Promise<number> {
    return this.#size;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#checkOpen();
    const length = Math.max(0, Math.min(into.byteLength, this.#size - position));
    if (length === 0) return 0;
    const first = Math.floor(position / BLOCK_BYTES);
    const last = Math.floor((position + length - 1) / BLOCK_BYTES);
    // What is stored meanwhile leaves a map of its own behind.
    const unstored = this.#unstored;
    const blocks = await this.#blocks(first, last);
    for (let index = first; index <= last; index++) {
      const start = index * BLOCK_BYTES;
      const from = Math.max(position, start);
      const to = Math.min(position + length, start + BLOCK_BYTES);
      const block = this.#unstored.get(index) ?? unstored.get(index) ?? blocks.get(index);
      if (block === undefined) into.fill(0, from - position, to - position);
      else into.set(block.subarray(from - start, to - start), from - position);
    }
    return length;
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    const copy = bytes.slice();
    if (copy.byteLength === 0) return Promise.resolve();
    return this.#inTurn(async () => {
      // Before anything is taken: a failure leaves the file as it was.
      if (this.#unstored.size * BLOCK_BYTES >= MAX_UNSTORED_BYTES) await this.#store();
      const first = Math.floor(position / BLOCK_BYTES);
      const last = Math.floor((position + copy.byteLength - 1) / BLOCK_BYTES);
      const edges = await this.#edges(first, last);
      for (let index = first; index <= last; index++) {
        const start = index * BLOCK_BYTES;
        const from = Math.max(position, start);
        const to = Math.min(position + copy.byteLength, start + BLOCK_BYTES);
        let block = this.#unstored.get(index);
        if (block === undefined) {
          block = edges.get(index)?.slice() ?? new Uint8Array(BLOCK_BYTES);
          this.#unstored.set(index, block);
        }
        block.set(copy.subarray(from - position, to - position), from - start);
      }
      this.#size = Math.max(this.#size, position + copy.byteLength);
    });
  }

  truncate(size: number): Promise<void> {
    return this.#inTurn(async () => {
      if (size < this.#size) {
        const edge = Math.floor(size / BLOCK_BYTES);
        const within = size - edge * BLOCK_BYTES;
        // What is cut off must not come back when the file grows again.
        const kept =
          within === 0 ? undefined : (this.#unstored.get(edge) ?? (await this.#blocks(edge, edge)).get(edge));
        for (const index of [...this.#unstored.keys()]) if (index >= edge) this.#unstored.delete(index);
        this.#cutFrom = Math.min(this.#cutFrom, edge);
        if (kept !== undefined) {
          const block = kept.slice();
          block.fill(0, within);
          this.#unstored.set(edge, block);
        }
      }
      this.#size = size;
    });
  }

  discard(position: number, length: number): Promise<void> {
    return this.#inTurn(async () => {
      const end = Math.min(position + length, this.#size);
      for (let index = Math.floor(position / BLOCK_BYTES); index * BLOCK_BYTES < end; index++) {
        const start = index * BLOCK_BYTES;
        const [from, to] = [Math.max(position - start, 0), Math.min(end - start, BLOCK_BYTES)];
        const whole = from === 0 && to === BLOCK_BYTES;
        const block = whole ? undefined : (await this.#blockToChange(index)).fill(0, from, to);
        this.#unstored.set(index, block ?? new Uint8Array(BLOCK_BYTES));
        if (this.#unstored.size * BLOCK_BYTES >= MAX_UNSTORED_BYTES) await this.#store();
      }
    });
  }

  sync(): Promise<void> {
    return this.#inTurn(() => this.#store());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#inTurn(() => this.#store()).finally(() => {
      this.#closed = true;
    });
  }

  async #blockToChange(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const block = this.#unstored.get(index) ?? (await this.#blocks(index, index)).get(index);
    return block ?? new Uint8Array(BLOCK_BYTES);
  }

  /** The stored blocks, without those that were cut off. */
  async #blocks(first: number, last: number): Promise<Map<number, Uint8Array<ArrayBuffer>>> {
    const found = new Map<number, Uint8Array<ArrayBuffer>>();
    const end = Math.min(last, this.#cutFrom - 1);
    if (end < first) return found;
    await transaction(this.#database, ["blocks"], "readonly", async (blocks) => {
      const range = IDBKeyRange.bound([this.#id, first], [this.#id, end]);
      const [keys, values] = await Promise.all([
        request<IDBValidKey[]>(blocks.getAllKeys(range)),
        request<Uint8Array<ArrayBuffer>[]>(blocks.getAll(range)),
      ]);
      for (const [at, key] of keys.entries()) {
        const value = values[at];
        if (Array.isArray(key) && typeof key[1] === "number" && value !== undefined) found.set(key[1], value);
      }
    });
    // A transaction does not wait for anything but its own requests.
    for (const [index, block] of found) found.set(index, await unpackBlock(block));
    return found;
  }

  /** The stored blocks at the two ends of a write, of which only a part may be replaced. */
  async #edges(first: number, last: number): Promise<Map<number, Uint8Array<ArrayBuffer>>> {
    const edges = this.#unstored.has(first) ? new Map() : await this.#blocks(first, first);
    if (last === first || this.#unstored.has(last)) return edges;
    for (const [index, block] of await this.#blocks(last, last)) edges.set(index, block);
    return edges;
  }

  /** Stores what was written, in one step. A failure leaves it in memory, to be tried again. */
  async #store(): Promise<void> {
    this.#checkOpen();
    const cutFrom = this.#cutFrom;
    if (this.#unstored.size === 0 && this.#size === this.#storedSize && cutFrom === Number.POSITIVE_INFINITY)
      return;
    const written = await Promise.all(
      [...this.#unstored].map(async ([index, block]) => [index, await this.#packed(block)] as const),
    );
    const size = this.#size;
    await transaction(this.#database, ["files", "blocks"], "readwrite", async (files, blocks) => {
      const stored = await request<StoredFile | undefined>(files.get(this.#path));
      if (stored?.id === this.#id) await request(files.put({ id: this.#id, size }, this.#path));
      if (cutFrom !== Number.POSITIVE_INFINITY) {
        await request(blocks.delete(IDBKeyRange.bound([this.#id, cutFrom], [this.#id, []])));
      }
      await Promise.all(
        written.map(async ([index, block]) => {
          const key = [this.#id, index];
          if (block === undefined) await request(blocks.delete(key));
          else await request(blocks.put(block, key));
        }),
      );
    });
    this.#storedSize = size;
    this.#cutFrom = Number.POSITIVE_INFINITY;
    this.#unstored = new Map();
  }

  /** As it is stored; `undefined` if it is all zeros. */
  async #packed(block: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (block.every((byte) => byte === 0)) return undefined;
    return this.#packs ? packBlock(block) : block;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(() => {
      this.#checkOpen();
      return work();
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  #checkOpen(): void {
    if (this.#closed) throw posixError("EBADF", `the file ${this.#path} is closed`);
  }
}
