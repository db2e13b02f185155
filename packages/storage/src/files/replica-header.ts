import { type DatabaseShape, isPageSize, LacunaError, MAX_PAGE_NO, type Revision } from "@lacuna/page";
import { xxhash32 } from "./xxhash32.ts";

/** What `PATH-info` says in front of its checksums. */
export interface ReplicaHeader {
  /** Counts the headers written, from 1. */
  readonly sequence: number;
  /** What the page checksums are seeded with, from 0 to 4294967295: another one invalidates them all. */
  readonly epoch: number;
  readonly shape: DatabaseShape | undefined;
  readonly meta: Readonly<Record<string, string>>;
}

/** Bytes of one of the two places a header can be in. */
export const SLOT_BYTES = 16_384;
/** Where the checksums start, after both slots. */
export const HEADER_BYTES = 2 * SLOT_BYTES;

const FORMAT_VERSION = 1;
// "lacuna" and two bytes no text file begins a line with.
const MAGIC = Uint8Array.of(0x6c, 0x61, 0x63, 0x75, 0x6e, 0x61, 0x1a, 0x00);
// Slot, little-endian: 0 magic, 8 version, 12 checksum of all that follows, 16 payload bytes, 20 sequence (64 bits),
// 28 epoch, 32 page size (0: no shape), 36 page count, 40 payload: JSON of revision and meta.
const CHECKED_FROM = 16;
const PAYLOAD_AT = 40;

/** Where the header with that sequence number goes: each spares the one before it. */
export const slotOffset = (sequence: number): number => (sequence % 2) * SLOT_BYTES;

/** @throws {RangeError} if the revision and the meta do not fit into a slot */
export function encodeHeader({ sequence, epoch, shape, meta }: ReplicaHeader): Uint8Array {
  const payload = new TextEncoder().encode(JSON.stringify({ revision: shape?.revision, meta }));
  if (payload.byteLength > SLOT_BYTES - PAYLOAD_AT) {
    throw new RangeError(
      `revision and meta take ${payload.byteLength} bytes as JSON, at most ${SLOT_BYTES - PAYLOAD_AT} fit`,
    );
  }
  const bytes = new Uint8Array(PAYLOAD_AT + payload.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(16, payload.byteLength, true);
  view.setBigUint64(20, BigInt(sequence), true);
  view.setUint32(28, epoch, true);
  view.setUint32(32, shape?.pageSize ?? 0, true);
  view.setUint32(36, shape?.pageCount ?? 0, true);
  bytes.set(payload, PAYLOAD_AT);
  view.setUint32(12, xxhash32(bytes.subarray(CHECKED_FROM)), true);
  return bytes;
}

/**
 * Reads the newer of the two headers that is whole: a crash while one is written leaves the other.
 * @param bytes the first `HEADER_BYTES` of the file, or fewer if it has fewer
 * @throws {LacunaError} `REPLICA_CORRUPT` if neither is whole, or a newer format is found
 */
export function decodeHeader(bytes: Uint8Array, path: string): ReplicaHeader {
  const slots = [0, SLOT_BYTES].map((offset) => decodeSlot(bytes.subarray(offset, offset + SLOT_BYTES)));
  const problems: string[] = [];
  let newest: ReplicaHeader | undefined;
  for (const slot of slots) {
    if (typeof slot === "string") problems.push(slot);
    else if ("version" in slot) throw newerFormat(slot.version, path);
    else if (newest === undefined || slot.sequence > newest.sequence) newest = slot;
  }
  if (newest !== undefined) return newest;
  throw new LacunaError(
    "REPLICA_CORRUPT",
    `${path} should hold one of two headers of a replica, found: ${problems.join("; ")}. ` +
      `Nothing was changed. If the local copy is not needed, remove the file together with its database file`,
    { path },
  );
}

function newerFormat(version: number, path: string): LacunaError {
  return new LacunaError(
    "REPLICA_CORRUPT",
    `${path} should have format version ${FORMAT_VERSION}, found ${version}: it was written by a newer version of ` +
      "this package. Nothing was changed. Open it with that version",
    { path },
  );
}

/** The header in a slot, the version of one in a newer format, or what is wrong. */
function decodeSlot(bytes: Uint8Array): ReplicaHeader | { readonly version: number } | string {
  if (bytes.byteLength < PAYLOAD_AT)
    return `${bytes.byteLength} bytes where a header takes at least ${PAYLOAD_AT}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (MAGIC.some((byte, i) => byte !== bytes[i])) {
    const found = [...bytes.subarray(0, MAGIC.length)]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join(" ");
    return `the bytes ${found} where a header begins with "lacuna"`;
  }
  const version = view.getUint32(8, true);
  if (version > FORMAT_VERSION) return { version };
  if (version !== FORMAT_VERSION) return `format version ${version}, which does not exist`;
  const payloadBytes = view.getUint32(16, true);
  if (payloadBytes > bytes.byteLength - PAYLOAD_AT)
    return `a header that ends after ${bytes.byteLength} bytes`;
  const end = PAYLOAD_AT + payloadBytes;
  if (xxhash32(bytes.subarray(CHECKED_FROM, end)) !== view.getUint32(12, true)) {
    return "a header that does not match its checksum";
  }
  const sequence = Number(view.getBigUint64(20, true));
  const [pageSize, pageCount] = [view.getUint32(32, true), view.getUint32(36, true)];
  const payload = parsePayload(bytes.subarray(PAYLOAD_AT, end));
  if (payload === undefined || (pageSize !== 0 && (!isPageSize(pageSize) || pageCount > MAX_PAGE_NO))) {
    return "a header with impossible contents";
  }
  const { revision, meta } = payload;
  if ((pageSize === 0) !== (revision === undefined)) return "a header with half a shape";
  const shape = revision === undefined ? undefined : { revision, pageSize, pageCount };
  return { sequence, epoch: view.getUint32(28, true), shape, meta };
}

function parsePayload(
  bytes: Uint8Array,
): { revision: Revision | undefined; meta: Record<string, string> } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("meta" in value)) return undefined;
  const revision = "revision" in value ? value.revision : undefined;
  if (revision !== undefined && (typeof revision !== "string" || revision === "")) return undefined;
  const { meta } = value;
  if (typeof meta !== "object" || meta === null || Array.isArray(meta)) return undefined;
  if (Object.values(meta).some((fact) => typeof fact !== "string")) return undefined;
  return { revision: revision as Revision | undefined, meta: Object.freeze(meta) as Record<string, string> };
}
