import type { BigIntStats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import {
  JOURNAL_HEADER_BYTES,
  JournalIndex,
  namesSuperJournal,
  SUPER_JOURNAL_TAIL_BYTES,
} from "@lacuna/btree/journal";
import { LacunaError, pageNo } from "@lacuna/page";
import { ifThere, isMissing } from "./if-there.ts";
import { readUpTo } from "./read-up-to.ts";

/** How much of a journal is read at a time while its pages are looked up, at the least: a record must fit. */
const STEP_BYTES = 1 << 20;

/**
 * A rollback journal with something to roll back. Laid over the file that it belongs to, it shows the database as it was
 * before the transaction that did not end, and neither file is written to.
 */
export class HotJournal {
  /** Tells this state of the journal from any other. */
  readonly key: string;
  /** Bytes of the database before the transaction. */
  readonly databaseBytes: number;
  readonly #path: string;
  readonly #index: JournalIndex;

  constructor(path: string, key: string, index: JournalIndex) {
    this.key = key;
    this.databaseBytes = (index.header?.initialPageCount ?? 0) * index.pageSize;
    this.#path = path;
    this.#index = index;
  }

  /** Pages that were in the database, are not in a file of `fileBytes`, and are not in the journal either. */
  lostPages(fileBytes: number): number {
    const whole = Math.floor(fileBytes / this.#index.pageSize);
    let lost = Math.max(0, (this.#index.header?.initialPageCount ?? 0) - whole);
    for (const page of this.#index.pages) if (page > whole) lost--;
    return lost;
  }

  /**
   * Replaces what the transaction may have overwritten of the file's bytes, which start at `offset`.
   * @throws {LacunaError} `REVISION_CHANGED` if the journal is gone or shorter than it was
   */
  async restore(bytes: Uint8Array, offset: number): Promise<void> {
    const { pageSize } = this.#index;
    let journal: FileHandle | undefined;
    try {
      for (
        let page = Math.floor(offset / pageSize) + 1;
        (page - 1) * pageSize < offset + bytes.length;
        page++
      ) {
        const from = this.#index.offsetOf(pageNo(page));
        if (from === undefined) continue;
        journal ??= await this.#open();
        const at = (page - 1) * pageSize - offset;
        const skip = Math.max(0, -at);
        const length = Math.min(pageSize - skip, bytes.length - at - skip);
        const original = await readUpTo(journal, from + skip, length);
        if (original.length < length) throw this.#gone();
        bytes.set(original, at + skip);
      }
    } finally {
      await journal?.close();
    }
  }

  async #open(): Promise<FileHandle> {
    try {
      return await open(this.#path, "r");
    } catch (cause) {
      if (isMissing(cause)) throw this.#gone();
      throw cause;
    }
  }

  #gone(): LacunaError {
    return new LacunaError("REVISION_CHANGED", "the journal is not what it was", { path: this.#path });
  }
}

/** Whether SQLite would roll back what lies beside a database file before it reads it. */
export async function hasHotJournal(path: string): Promise<boolean> {
  const { size } = await stat(path);
  return size > 0 && ((await ifHot(path, async () => true)) ?? false);
}

/**
 * The journal beside a database file, `undefined` if there is nothing to roll back.
 * @param known the journal as it was read last; it is not read again if it did not change
 * @param databasePageSize counts where the journal does not tell the page size
 * @throws {LacunaError} `NOT_SUPPORTED` if the journal belongs to a transaction over several files
 */
export function readHotJournal(
  path: string,
  databasePageSize: number,
  known: HotJournal | undefined,
): Promise<HotJournal | undefined> {
  return ifHot(path, async (journal, stats, head) => {
    const { ino, size, mtimeNs } = stats;
    const key = `${size}-${mtimeNs}-${ino}-${Buffer.from(head.subarray(8)).toString("hex")}`;
    if (known?.key === key) return known;
    await refuseSuperJournal(path, journal, Number(size));
    const index = new JournalIndex(head, Number(size), databasePageSize);
    for (let at = index.next; at !== undefined; at = index.next)
      index.append(await readUpTo(journal, at, STEP_BYTES));
    return new HotJournal(`${path}-journal`, key, index);
  });
}

async function refuseSuperJournal(path: string, journal: FileHandle, size: number): Promise<void> {
  const tail = await readUpTo(
    journal,
    Math.max(0, size - SUPER_JOURNAL_TAIL_BYTES),
    SUPER_JOURNAL_TAIL_BYTES,
  );
  if (!namesSuperJournal(tail)) return;
  throw new LacunaError(
    "NOT_SUPPORTED",
    `a journal of a transaction over one file expected, found one over several in ${path}-journal: open them with SQLite once`,
    { path },
  );
}

/** Looks into a journal that is there and has something to roll back. */
async function ifHot<T>(
  path: string,
  look: (journal: FileHandle, stats: BigIntStats, head: Uint8Array) => Promise<T>,
): Promise<T | undefined> {
  return ifThere(`${path}-journal`, async (journal) => {
    const stats = await journal.stat({ bigint: true });
    const head = await readUpTo(journal, 0, JOURNAL_HEADER_BYTES);
    const { header } = new JournalIndex(head, Number(stats.size), 0);
    return header === undefined ? undefined : await look(journal, stats, head);
  });
}
