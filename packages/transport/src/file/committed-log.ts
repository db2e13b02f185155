import { WAL_HEADER_BYTES, WalIndex } from "@lacuna/btree/wal";
import { ifThere } from "./if-there.ts";
import { readUpTo } from "./read-up-to.ts";

/** How much of a write-ahead log is read at a time, at the least: a frame must fit. */
const STEP_BYTES = 1 << 20;

/** Whether a write-ahead log beside a database file holds committed pages, which the file alone does not tell. */
export async function hasCommittedLog(path: string): Promise<boolean> {
  const found = await ifThere(`${path}-wal`, async (file) => {
    const log = new WalIndex();
    let at = log.begin(await readUpTo(file, 0, WAL_HEADER_BYTES));
    while (log.lastCommit === undefined) {
      const next = log.append(await readUpTo(file, at, STEP_BYTES));
      if (next === at) return false;
      at = next;
    }
    return true;
  });
  return found ?? false;
}
