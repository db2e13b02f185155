export {
  parseWalHeader,
  WAL_FRAME_HEADER_BYTES,
  WAL_HEADER_BYTES,
  type WalChecksum,
  type WalHeader,
} from "./wal-format.ts";
export { type WalCommit, WalIndex } from "./wal-index.ts";
export { WalWriter } from "./wal-writer.ts";
