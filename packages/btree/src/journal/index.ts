export { JOURNAL_HEADER_BYTES, type JournalHeader, parseJournalHeader } from "./journal-header.ts";
export { JournalIndex } from "./journal-index.ts";
export { namesSuperJournal, SUPER_JOURNAL_TAIL_BYTES } from "./super-journal.ts";
