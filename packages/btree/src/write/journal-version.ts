/** Which journal a file format version asks for: 1 rollback, 2 write-ahead log. */
export type JournalVersion = "rollback" | "wal";

/**
 * Writes the journal mode into a copy of page 1 that the caller owns: bytes 18 and 19.
 * File Format, "File format version numbers".
 */
export function patchJournalVersion(page1: Uint8Array, version: JournalVersion): void {
  page1.fill(version === "wal" ? 2 : 1, 18, 20);
}
