import { readU32 } from "../big-endian.ts";
import { isJournalMagic } from "./journal-header.ts";

/** How many bytes from the end of a journal tell of a super-journal: the longest path there is, and 16 more. */
export const SUPER_JOURNAL_TAIL_BYTES = 4096 + 16;

/**
 * Whether a journal ends with the name of a super-journal. It belongs to a transaction over several files then, which was
 * committed if the super-journal is gone: the journal alone does not tell. File Format, "The Rollback Journal".
 * @param tail the last `SUPER_JOURNAL_TAIL_BYTES` of the journal, or all of a shorter one
 */
export function namesSuperJournal(tail: Uint8Array): boolean {
  const end = tail.length - 16;
  if (end < 1 || !isJournalMagic(tail, tail.length - 8)) return false;
  const length = readU32(tail, end);
  if (length === 0 || length > end || tail[end - length] === 0) return false;
  const name = tail.subarray(end - length, end);
  const sum = name.reduce((total, byte) => total + byte, 0);
  // SQLite sums chars, which are signed on some machines.
  const signed = name.reduce((total, byte) => total + ((byte << 24) >> 24), 0);
  const expected = readU32(tail, end + 4);
  return sum === expected || signed >>> 0 === expected;
}
