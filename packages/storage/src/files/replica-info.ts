import { type DatabaseShape, type PageNo, PageSet } from "@lacuna/page";
import { ABSENT, CHECKSUM_BYTES, ChecksumTable, pageChecksum } from "./checksum-table.ts";
import type { FileSystem, OpenFile } from "./file-system.ts";
import { runsOf } from "./page-batch.ts";
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  type ReplicaHeader,
  SLOT_BYTES,
  slotOffset,
} from "./replica-header.ts";

const READ_BYTES = 65_536;
// Checksums at most this many pages apart are written together: one disk page either way.
const JOINED_PAGES = 1024;

/** Makes an empty `PATH-info`. It appears whole or not at all, also after a crash. */
export async function createReplicaInfo(files: FileSystem, path: string, epoch: number): Promise<void> {
  const draft = `${path}-new`;
  const file = await files.open(draft, "any");
  try {
    const bytes = new Uint8Array(HEADER_BYTES);
    const header: ReplicaHeader = { sequence: 1, epoch, shape: undefined, meta: {} };
    bytes.set(encodeHeader(header), slotOffset(header.sequence));
    await file.truncate(0);
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(draft, path);
  await files.syncDirectory(path);
}

/** `PATH-info`, open: a header in two alternating slots, then one checksum per page. */
export class ReplicaInfo {
  readonly #file: OpenFile;
  readonly #checksums = new ChecksumTable();
  // Pages whose checksum was taken away, which a power cut may bring back as long as the file is not synced.
  readonly #returnable = new PageSet();
  #header: ReplicaHeader;
  #dirty = false;

  private constructor(file: OpenFile, header: ReplicaHeader) {
    this.#file = file;
    this.#header = header;
  }

  /**
   * Reads the file.
   * @returns it with the pages that have a checksum
   * @throws {LacunaError} `REPLICA_CORRUPT`
   */
  static async load(file: OpenFile, path: string): Promise<{ info: ReplicaInfo; present: PageSet }> {
    const start = new Uint8Array(HEADER_BYTES);
    const info = new ReplicaInfo(file, decodeHeader(start.subarray(0, await file.read(start, 0)), path));
    return { info, present: await info.#loadChecksums() };
  }

  get header(): ReplicaHeader {
    return this.#header;
  }

  /** Writes the next header, durably. The one before stays readable until then. */
  async commit(change: {
    readonly shape?: DatabaseShape;
    readonly epoch?: number;
    readonly meta?: ReplicaHeader["meta"];
  }): Promise<void> {
    const next = { ...this.#header, ...change, sequence: this.#header.sequence + 1 };
    const bytes = encodeHeader(next);
    const offset = slotOffset(next.sequence);
    try {
      await this.#file.write(bytes, offset);
      await this.#file.sync();
    } catch (error) {
      // What failed must not come true later. If even this fails, a crash now may still end in either state.
      await this.#eraseSlot(offset).catch(() => {});
      throw error;
    }
    this.#header = next;
    this.#synced();
  }

  /** Takes another shape; of the pages of before none is valid any more. */
  async reset(shape: DatabaseShape, epoch: number): Promise<void> {
    await this.commit({ shape, epoch });
    this.#checksums.clear();
    this.#returnable.clear();
    // Only tidiness: the new epoch has invalidated them already.
    await this.#file.truncate(HEADER_BYTES).catch(() => {});
  }

  /** The pages that have a checksum, whether their bytes match it or not. */
  recorded(): PageSet {
    return new PageSet(this.#checksums.pages());
  }

  /** What a page's checksum would be. */
  checksumOf(bytes: Uint8Array, page: PageNo): number {
    return pageChecksum(bytes, page, this.#header.epoch);
  }

  /** True if the bytes are those the page was put with. */
  matches(bytes: Uint8Array, page: PageNo): boolean {
    return this.#checksums.get(page) === this.checksumOf(bytes, page);
  }

  /** True if the file may, now or after a power cut, hold a checksum of the page other than this one. */
  mayHoldAnother(page: PageNo, checksum: number): boolean {
    const held = this.#checksums.get(page);
    return (held !== ABSENT && held !== checksum) || this.#returnable.has(page);
  }

  /** Writes checksums of pages in ascending order. Not durable. */
  async record(pages: readonly PageNo[], checksums: Uint32Array): Promise<void> {
    pages.forEach((page, i) => {
      this.#checksums.set(page, checksums[i] ?? ABSENT);
    });
    await this.#write(pages);
  }

  /** Takes the checksums of pages in ascending order away. Not durable before `sync`. */
  async forget(pages: readonly PageNo[]): Promise<void> {
    for (const page of pages) {
      this.#checksums.set(page, ABSENT);
      this.#returnable.add(page);
    }
    await this.#write(pages);
  }

  async sync(): Promise<void> {
    if (!this.#dirty) return;
    await this.#file.sync();
    this.#synced();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(pages: readonly PageNo[]): Promise<void> {
    this.#dirty = true;
    for (const { start, end } of runsOf(pages, JOINED_PAGES)) {
      const [first, last] = [pages[start], pages[end - 1]];
      if (first === undefined || last === undefined) continue;
      await this.#file.write(
        this.#checksums.encode(first, last),
        HEADER_BYTES + (first - 1) * CHECKSUM_BYTES,
      );
    }
  }

  #synced(): void {
    this.#dirty = false;
    this.#returnable.clear();
  }

  async #eraseSlot(offset: number): Promise<void> {
    await this.#file.write(new Uint8Array(SLOT_BYTES), offset);
    await this.#file.sync();
  }

  async #loadChecksums(): Promise<PageSet> {
    const present = new PageSet();
    const pageCount = this.#header.shape?.pageCount ?? 0;
    const buffer = new Uint8Array(READ_BYTES);
    const view = new DataView(buffer.buffer);
    const end = HEADER_BYTES + pageCount * CHECKSUM_BYTES;
    for (let position = HEADER_BYTES; position < end; position += READ_BYTES) {
      const wanted = buffer.subarray(0, Math.min(READ_BYTES, end - position));
      const read = await this.#file.read(wanted, position);
      for (let offset = 0; offset + CHECKSUM_BYTES <= read; offset += CHECKSUM_BYTES) {
        const checksum = view.getUint32(offset, true);
        if (checksum === ABSENT) continue;
        const page = ((position - HEADER_BYTES + offset) / CHECKSUM_BYTES + 1) as PageNo;
        this.#checksums.set(page, checksum);
        present.add(page);
      }
      if (read < wanted.byteLength) break;
    }
    return present;
  }
}
