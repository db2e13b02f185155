import {
  type ByteFile,
  closedError,
  type DatabaseShape,
  type LacunaError,
  offsetOfPage,
  type PageEntry,
  type PageNo,
  type PageRange,
  PageSet,
  type PageStore,
  type SideFile,
} from "@lacuna/page";
import { heldPages } from "../held-pages.ts";
import { afterEnd, checkEntry, checkShape, checkSuccessor } from "../page-entries.ts";
import type { OpenFile } from "./file-system.ts";
import { copyBatch, type PageBatch, runsOf } from "./page-batch.ts";
import type { PathLock } from "./path-lock.ts";
import type { ReplicaInfo } from "./replica-info.ts";
import type { SideFiles } from "./side-files.ts";
import { fileWork, storageError } from "./storage-error.ts";
import { Turns } from "./turns.ts";

type ReadSync = NonNullable<OpenFile["readSync"]>;

const MAX_READ_BYTES = 1_048_576;

export interface FileStoreParts {
  /** For messages. */
  readonly path: string;
  readonly data: OpenFile;
  readonly info: ReplicaInfo;
  readonly sideFiles: SideFiles;
  /** The pages that have a checksum and lie inside the data file. */
  readonly resident: PageSet;
  readonly lock: PathLock;
  /** A number from 0 to 4294967295, different each time. */
  readonly randomEpoch: () => number;
}

/**
 * Pages in a file at their natural offsets, with a checksum each in another file. The bytes of a page are written
 * before its checksum, and where the page had another checksum, that one is durably gone before the bytes are touched:
 * so bytes and checksum agree only if both belong to what was put last. Nothing depends on the order in which
 * unsynced writes reach the disk.
 *
 * While a page is resident its bytes in the file do not change; `get` relies on it.
 */
export class FileStore implements PageStore {
  readonly getSync?: NonNullable<PageStore["getSync"]>;
  readonly #path: string;
  readonly #data: OpenFile;
  readonly #info: ReplicaInfo;
  readonly #sideFiles: SideFiles;
  readonly #resident: PageSet;
  readonly #lock: PathLock;
  readonly #randomEpoch: () => number;
  // Resident pages whose bytes were compared with their checksum since opening.
  readonly #verified = new PageSet();
  readonly #turns = new Turns();
  readonly #reads = new Set<Promise<unknown>>();
  // Changes whenever a page stops being resident: a read that began before may have met bytes being replaced.
  #withdrawals = 0;
  #dataDirty = false;
  // Changes together with the resident set, which the header on disk cannot.
  #shape: DatabaseShape | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: FileStoreParts) {
    this.#path = parts.path;
    this.#data = parts.data;
    this.#info = parts.info;
    this.#sideFiles = parts.sideFiles;
    this.#resident = parts.resident;
    this.#lock = parts.lock;
    this.#randomEpoch = parts.randomEpoch;
    this.#shape = parts.info.header.shape;
    const readSync = parts.data.readSync?.bind(parts.data);
    if (readSync !== undefined) this.getSync = (page, into) => this.#readNow(page, readSync, into);
  }

  shape(): DatabaseShape | undefined {
    return this.#shape;
  }

  resident(): PageSet {
    return this.#resident;
  }

  meta(): Readonly<Record<string, string>> {
    return this.#info.header.meta;
  }

  async reset(shape: DatabaseShape): Promise<void> {
    checkShape(shape);
    const { revision, pageSize, pageCount } = shape;
    await this.#change("taking another shape", async () => {
      const { epoch } = this.#info.header;
      let next = this.#randomEpoch();
      // The same one again would leave every page valid.
      if (next === epoch) next = (epoch + 1) >>> 0;
      const taken = { revision, pageSize, pageCount };
      await this.#info.reset(taken, next);
      this.#withdraw([...this.#resident]);
      this.#shape = taken;
      // Gives the room back. Without it the store is as right, only larger.
      await this.#data.truncate(0).catch(() => {});
    });
  }

  async adopt(shape: DatabaseShape, drop: readonly PageRange[]): Promise<void> {
    const { revision, pageSize, pageCount } = shape;
    const taken = { revision, pageSize, pageCount };
    const wanted = [...drop.map(({ first, last }) => ({ first, last })), ...afterEnd(taken)];
    await this.#change("moving to another revision", async () => {
      checkSuccessor(taken, this.#shape);
      // Also pages that were found torn: what has a checksum could be taken for a page of the new revision.
      const pages = heldPages(this.#info.recorded(), wanted);
      this.#withdraw(pages);
      await this.#info.forget(pages);
      await this.#info.sync();
      await this.#info.commit({ shape: taken });
      this.#shape = taken;
      // So that a complete replica is as long as its database. It is done again at opening.
      const end = pageCount * pageSize;
      if ((await this.#data.size()) > end) await this.#data.truncate(end).catch(() => {});
    });
  }

  async openFile(name: SideFile): Promise<ByteFile> {
    this.#checkOpen();
    return this.#turns.take(() => this.#sideFiles.open(name));
  }

  async removeFile(name: SideFile): Promise<void> {
    this.#checkOpen();
    await this.#turns.take(() => this.#sideFiles.remove(name));
  }

  async get(pages: readonly PageNo[]): Promise<(Uint8Array | undefined)[]> {
    this.#checkOpen();
    const reading = fileWork("reading pages", this.#path, () => this.#read([...pages]));
    this.#reads.add(reading);
    try {
      return await reading;
    } finally {
      this.#reads.delete(reading);
    }
  }

  async put(entries: readonly PageEntry[]): Promise<void> {
    const batch = copyBatch(entries);
    try {
      await this.#change("writing pages", async () => {
        const shape = this.#shape;
        for (const { page, byteLength } of batch.given) checkEntry(page, byteLength, shape);
        if (shape !== undefined) await this.#write(batch, shape.pageSize);
      });
    } finally {
      // Nobody else has it: its memory is given back now rather than when it is next collected.
      batch.bytes.buffer.transfer?.(0);
    }
  }

  async evict(ranges: readonly PageRange[]): Promise<void> {
    const wanted = ranges.map(({ first, last }) => ({ first, last }));
    await this.#change("forgetting pages", async () => {
      const pages = heldPages(this.#resident, wanted);
      this.#withdraw(pages);
      await this.#info.forget(pages);
      await this.#giveBack(pages);
    });
  }

  async flush(): Promise<void> {
    await this.#change("making pages durable", () => this.#sync());
  }

  async setMeta(meta: Readonly<Record<string, string>>): Promise<void> {
    const copy = Object.freeze({ ...meta });
    await this.#change("writing meta", () => this.#info.commit({ meta: copy }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError(`the page store at ${this.#path}`);
  }

  /** Runs a change after those before it. Errors of our own, such as a RangeError, pass as they are. */
  async #change(doing: string, work: () => Promise<void>): Promise<void> {
    this.#checkOpen();
    await this.#turns.take(async () => {
      try {
        await work();
      } catch (error) {
        throw error instanceof RangeError ? error : storageError(doing, this.#path, error);
      }
    });
  }

  async #write({ pages, bytes }: PageBatch, pageSize: number): Promise<void> {
    const bytesAt = (i: number, end = i + 1): Uint8Array => bytes.subarray(i * pageSize, end * pageSize);
    const checksums = Uint32Array.from(pages, (page, i) => this.#info.checksumOf(bytesAt(i), page));
    this.#withdraw(pages);
    const replaced = pages.filter((page, i) => this.#info.mayHoldAnother(page, checksums[i] ?? 0));
    if (replaced.length > 0) {
      await this.#info.forget(replaced);
      await this.#info.sync();
    }
    this.#dataDirty = true;
    for (const { start, end } of runsOf(pages)) {
      const first = pages[start];
      if (first !== undefined) await this.#data.write(bytesAt(start, end), offsetOfPage(first, pageSize));
    }
    await this.#info.record(pages, checksums);
    for (const page of pages) {
      this.#resident.add(page);
      this.#verified.add(page);
    }
  }

  /** Frees the room of pages that are forgotten, on files that can. */
  async #giveBack(pages: readonly PageNo[]): Promise<void> {
    const pageSize = this.#shape?.pageSize;
    if (pageSize === undefined || this.#data.discard === undefined) return;
    this.#dataDirty = true;
    for (const { start, end } of runsOf(pages)) {
      const first = pages[start];
      if (first !== undefined)
        await this.#data.discard(offsetOfPage(first, pageSize), (end - start) * pageSize);
    }
  }

  /** Takes pages out of the resident set, before anything happens to their bytes. */
  #withdraw(pages: readonly PageNo[]): void {
    for (const page of pages) {
      if (this.#resident.delete(page)) this.#withdrawals++;
      this.#verified.delete(page);
    }
  }

  async #sync(): Promise<void> {
    if (this.#dataDirty) {
      await this.#data.sync();
      this.#dataDirty = false;
    }
    await this.#info.sync();
  }

  async #read(pages: readonly PageNo[]): Promise<(Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = [];
    while (found.length < pages.length) {
      const run = this.#residentRun(pages, found.length);
      const [first] = run;
      const pageSize = this.#shape?.pageSize;
      if (first === undefined || pageSize === undefined) {
        found.push(undefined);
        continue;
      }
      const withdrawals = this.#withdrawals;
      const buffer = new Uint8Array(run.length * pageSize);
      const read = await this.#data.read(buffer, offsetOfPage(first, pageSize));
      // Some of it may have been replaced while it was read.
      if (withdrawals !== this.#withdrawals) continue;
      run.forEach((page, i) => {
        const bytes = buffer.subarray(
          i * pageSize,
          Math.max(i * pageSize, Math.min((i + 1) * pageSize, read)),
        );
        const whole = this.#accept(page, bytes, pageSize);
        // Pages given out must not share a buffer.
        found.push(whole && run.length > 1 ? bytes.slice() : whole ? bytes : undefined);
      });
    }
    return found;
  }

  /** The resident pages from `pages[start]` on that follow each other, up to 1 MiB. */
  #residentRun(pages: readonly PageNo[], start: number): PageNo[] {
    const maxPages = MAX_READ_BYTES / (this.#shape?.pageSize ?? MAX_READ_BYTES);
    const run: PageNo[] = [];
    for (let at = start; at < pages.length && run.length < maxPages; at++) {
      const page = pages[at];
      const before = run.at(-1);
      if (page === undefined || !this.#resident.has(page)) break;
      if (before !== undefined && page !== before + 1) break;
      run.push(page);
    }
    return run;
  }

  #readNow(page: PageNo, readSync: ReadSync, into?: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    const pageSize = this.#shape?.pageSize;
    if (pageSize === undefined || !this.#resident.has(page)) return undefined;
    const bytes = into ?? new Uint8Array(pageSize);
    try {
      const read = readSync(bytes, offsetOfPage(page, pageSize));
      return this.#accept(page, bytes.subarray(0, read), pageSize) ? bytes : undefined;
    } catch (cause) {
      throw storageError(`reading page ${page}`, this.#path, cause);
    }
  }

  /** Checks what was read of a resident page. A page that is not what was put stops being resident. */
  #accept(page: PageNo, bytes: Uint8Array, pageSize: number): boolean {
    if (bytes.byteLength === pageSize) {
      if (this.#verified.has(page)) return true;
      if (this.#info.matches(bytes, page)) {
        this.#verified.add(page);
        return true;
      }
    }
    this.#withdraw([page]);
    return false;
  }

  async #finish(): Promise<void> {
    await this.#turns.take(async () => {});
    await Promise.allSettled(this.#reads);
    let failure: LacunaError | undefined;
    for (const step of [
      () => this.#sync(),
      () => this.#sideFiles.close(),
      () => this.#data.close(),
      () => this.#info.close(),
      () => this.#lock.release(),
    ]) {
      try {
        await step();
      } catch (cause) {
        failure ??= storageError("closing", this.#path, cause);
      }
    }
    if (failure !== undefined) throw failure;
  }
}
