import { joined } from "./joined-writes.ts";
import { padding, type RunningChecksum, runningChecksum } from "./running-checksum.ts";
import type { WalPosition, WalSalts } from "./wal-log.ts";

/** What a change log says about the log it belongs to. */
export interface LogState {
  /** The least id that was never used. */
  readonly nextId: number;
  /** Of the write-ahead log that goes with this change log. */
  readonly salts: WalSalts;
  /** Up to where that one must be there: less would mean that somebody else changed it. */
  readonly requiredEnd: number;
  /** The revision that the local pages lie over. */
  readonly revision: string;
}

/** A record of a change log, without its bytes of a change. */
export type LogRecord =
  | {
      readonly kind: "change";
      readonly id: number;
      /** Where its transaction ends; `undefined`: it is certain that it was committed. */
      readonly commit: WalPosition | undefined;
      readonly requiredEnd: number;
    }
  | { readonly kind: "settled"; readonly ids: readonly number[] }
  | ({ readonly kind: "state" } & LogState)
  | { readonly kind: "mark"; readonly requiredEnd: number };

// Little-endian: length of the payload (32 bits), kind (32 bits), payload, zeros up to a multiple of 8, checksum of all
// of it, which continues that of the record before (2 × 32 bits).
export const RECORD_HEADER_BYTES = 8;
export const RECORD_CHECKSUM_BYTES = 8;
/** Bytes in front of the bytes of a change. */
export const CHANGE_FACTS_BYTES = 32;
const KINDS = { change: 1, settled: 2, state: 3, mark: 4 } as const;

/** Encodes a record after one with the checksum `after`. */
export function encodeRecord(
  record: LogRecord,
  after: RunningChecksum,
  change: Uint8Array = new Uint8Array(),
): { readonly bytes: Uint8Array; readonly checksum: RunningChecksum } {
  const payload = joined([factsOf(record), change], factsOf(record).byteLength + change.byteLength);
  const length = payload.byteLength + padding(payload.byteLength);
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + length + RECORD_CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.byteLength, true);
  view.setUint32(4, KINDS[record.kind], true);
  bytes.set(payload, RECORD_HEADER_BYTES);
  const end = RECORD_HEADER_BYTES + length;
  const checksum = runningChecksum(after, bytes.subarray(0, end));
  view.setUint32(end, checksum[0], true);
  view.setUint32(end + 4, checksum[1], true);
  return { bytes, checksum };
}

/** Decodes what is in front of the bytes of a change, or the whole payload of another record. */
export function decodeFacts(kind: number, payload: Uint8Array): LogRecord | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const wide = (at: number): number => Number(view.getBigUint64(at, true));
  if (kind === KINDS.change && payload.byteLength >= CHANGE_FACTS_BYTES) {
    const end = wide(8);
    const commit =
      end === 0
        ? undefined
        : { end, checksum: [view.getUint32(16, true), view.getUint32(20, true)] as const };
    return { kind: "change", id: wide(0), commit, requiredEnd: wide(24) };
  }
  if (kind === KINDS.settled && payload.byteLength % 8 === 0) {
    const ids = Array.from({ length: payload.byteLength / 8 }, (_, i) => wide(8 * i));
    return { kind: "settled", ids };
  }
  if (kind === KINDS.state && payload.byteLength > 24) {
    const salts = [view.getUint32(8, true), view.getUint32(12, true)] as const;
    const revision = new TextDecoder().decode(payload.subarray(24));
    return { kind: "state", nextId: wide(0), salts, requiredEnd: wide(16), revision };
  }
  if (kind === KINDS.mark && payload.byteLength === 8) return { kind: "mark", requiredEnd: wide(0) };
  return undefined;
}

/** True if the payload must be kept out of memory: the bytes of a change have no limit. */
export const isChange = (kind: number): boolean => kind === KINDS.change;

function factsOf(record: LogRecord): Uint8Array {
  if (record.kind === "state") {
    const revision = new TextEncoder().encode(record.revision);
    const bytes = new Uint8Array(24 + revision.byteLength);
    bytes.set(words(record.nextId, 0, record.requiredEnd));
    const view = new DataView(bytes.buffer);
    view.setUint32(8, record.salts[0], true);
    view.setUint32(12, record.salts[1], true);
    bytes.set(revision, 24);
    return bytes;
  }
  if (record.kind === "settled") return words(...record.ids);
  if (record.kind === "mark") return words(record.requiredEnd);
  const { id, commit, requiredEnd } = record;
  const bytes = words(id, commit?.end ?? 0, 0, requiredEnd);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, commit?.checksum[0] ?? 0, true);
  view.setUint32(20, commit?.checksum[1] ?? 0, true);
  return bytes;
}

/** Whole numbers of 64 bits, little-endian. */
function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setBigUint64(8 * i, BigInt(value), true);
  });
  return bytes;
}
