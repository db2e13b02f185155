import { type FileHandle, open } from "node:fs/promises";
import { JOURNAL_HEADER_BYTES, parseJournalHeader } from "@lacuna/btree";
import { WAL_HEADER_BYTES, WalIndex } from "@lacuna/btree/wal";

/** How much of a write-ahead log is read at a time, at the least: a frame must fit. */
const STEP_BYTES = 1 << 20;

/**
 * What lies beside a database file that the file alone does not tell: committed pages in a write-ahead log, or a journal
 * that must be rolled back first.
 * @returns the name of the file in the way, `undefined` if there is none
 */
export async function unfinishedWork(path: string): Promise<string | undefined> {
  if (await holdsCommits(`${path}-wal`)) return `${path}-wal`;
  if (await isHotJournal(`${path}-journal`)) return `${path}-journal`;
  return undefined;
}

async function holdsCommits(path: string): Promise<boolean> {
  return ifThere(path, async (file) => {
    const read = async (at: number, length: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(length);
      const { bytesRead } = await file.read(bytes, 0, length, at);
      return bytes.subarray(0, bytesRead);
    };
    const log = new WalIndex();
    let at = log.begin(await read(0, WAL_HEADER_BYTES));
    while (log.lastCommit === undefined) {
      const next = log.append(await read(at, STEP_BYTES));
      if (next === at) return false;
      at = next;
    }
    return true;
  });
}

async function isHotJournal(path: string): Promise<boolean> {
  return ifThere(path, async (file) => {
    const head = new Uint8Array(JOURNAL_HEADER_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return parseJournalHeader(head.subarray(0, bytesRead)) !== undefined;
  });
}

/** What is found in the file; `false` if there is none. */
async function ifThere(path: string, look: (file: FileHandle) => Promise<boolean>): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
  try {
    return await look(file);
  } finally {
    await file.close();
  }
}
