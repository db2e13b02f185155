import { type FileHandle, open } from "node:fs/promises";
import { DATABASE_HEADER_BYTES, parseDatabaseHeader } from "@lacuna/btree";
import { isPageSize, LacunaError, type Revision } from "@lacuna/page";
import { type FileShape, shapeOfFile } from "../file-shape.ts";
import { USUAL_PAGE_SIZE } from "../usual-page-size.ts";
import { fileRevision } from "./file-revision.ts";
import { type HotJournal, readHotJournal } from "./hot-journal.ts";
import { readUpTo } from "./read-up-to.ts";

/** A database file at one moment. */
export interface FileState extends FileShape {
  readonly revision: Revision;
}

/**
 * How many pages may be missing from both the file and the journal. SQLite leaves free pages out of the journal when it
 * cuts them off, and brings them back as zeros; a journal from strangers must not make a database out of nothing.
 */
const MAX_LOST_PAGES = 1 << 20;

/** A database file that is open for reading, as it was before the transaction of a hot journal beside it. */
export class DatabaseFile {
  readonly #path: string;
  readonly #file: FileHandle;
  #journal: HotJournal | undefined;

  private constructor(path: string, file: FileHandle, journal: HotJournal | undefined) {
    this.#path = path;
    this.#file = file;
    this.#journal = journal;
  }

  /** @param journal the hot journal that an earlier look found, which need not be read again if it is still the same */
  static async open(path: string, journal: HotJournal | undefined): Promise<DatabaseFile> {
    return new DatabaseFile(path, await open(path, "r"), journal);
  }

  /** The journal that `state` found. */
  get journal(): HotJournal | undefined {
    return this.#journal;
  }

  /**
   * What the database is now. `read` reads by the journal found here.
   * @throws {LacunaError} `NOT_A_DATABASE`, `CORRUPT_PAGE`, `NOT_SUPPORTED`
   */
  async state(): Promise<FileState> {
    const stats = await this.#file.stat({ bigint: true });
    const size = Number(stats.size);
    const head = await readUpTo(this.#file, 0, DATABASE_HEADER_BYTES);
    // SQLite does not play a journal back into an empty file.
    const journal =
      size === 0 ? undefined : await readHotJournal(this.#path, storedPageSize(head), this.#journal);
    this.#journal = journal;
    if (journal === undefined) {
      const shape = shapeOfFile(head, size);
      return { ...shape, revision: fileRevision(stats, shape, undefined) };
    }
    const restored = await this.read(0, DATABASE_HEADER_BYTES);
    const shape = shapeOfFile(restored, journal.databaseBytes);
    this.#refuseInvented(journal, restored, size);
    return { ...shape, revision: fileRevision(stats, shape, journal.key) };
  }

  #refuseInvented(journal: HotJournal, head: Uint8Array, size: number): void {
    const lost = journal.lostPages(size);
    if (lost === 0) return;
    // One more is the page of the lock byte, which nobody writes.
    const most = Math.min(MAX_LOST_PAGES, parseDatabaseHeader(head).freelistCount + 1);
    if (lost <= most) return;
    const message = `at most ${most} pages expected to be neither in the file nor in its journal, found ${lost}`;
    throw new LacunaError("CORRUPT_PAGE", message, { path: this.#path });
  }

  /** The bytes at an offset, fewer where the database ends before. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const journal = this.#journal;
    if (journal === undefined) return readUpTo(this.#file, offset, length);
    const bytes = new Uint8Array(Math.max(0, Math.min(length, journal.databaseBytes - offset)));
    bytes.set(await readUpTo(this.#file, offset, bytes.length));
    await journal.restore(bytes, offset);
    return bytes;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The page size by which SQLite reads a journal that does not tell its own. */
function storedPageSize(head: Uint8Array): number {
  const stored = ((head[16] ?? 0) << 8) | (head[17] ?? 0);
  const pageSize = stored === 1 ? 65536 : stored;
  return isPageSize(pageSize) ? pageSize : USUAL_PAGE_SIZE;
}
