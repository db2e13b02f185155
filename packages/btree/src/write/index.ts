export { encodeRecord } from "./encode-record.ts";
export { entryValues } from "./entry-values.ts";
export { type JournalVersion, patchJournalVersion } from "./journal-version.ts";
export {
  type PlaceholderPage,
  type PlaceholderRecord,
  type PlaceholderRowids,
  placeholderIndexLeaf,
  placeholderIndexLeafLike,
  placeholderRowids,
  placeholderTableLeaf,
} from "./placeholder.ts";
export { writeVarint } from "./varint.ts";
