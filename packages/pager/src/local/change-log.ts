import { type ByteFile, LacunaError } from "@lacuna/page";
import type { ChangeRecord } from "../write-source.ts";
import { joined, writeJoined } from "./joined-writes.ts";
import {
  CHANGE_FACTS_BYTES,
  decodeFacts,
  encodeRecord,
  isChange,
  type LogRecord,
  type LogState,
  RECORD_CHECKSUM_BYTES,
  RECORD_HEADER_BYTES,
} from "./log-record.ts";
import { ReadAhead } from "./read-ahead.ts";
import { padding, type RunningChecksum, runningChecksum } from "./running-checksum.ts";

const PIECE_BYTES = 1 << 16;
const WRITE_BYTES = 1 << 20;
const MAGIC = new TextEncoder().encode("lacunaC\x01");
const HEADER_BYTES = 16;

/** What is appended: a record, and the bytes of a change. */
export interface LogEntry {
  readonly record: LogRecord;
  readonly change?: Uint8Array;
}

interface Pending {
  readonly id: number;
  /** Where its bytes are in the file. */
  readonly offset: number;
  readonly length: number;
}

interface Scanned {
  readonly record: LogRecord;
  readonly start: number;
  readonly end: number;
  readonly checksum: RunningChecksum;
  /** Of the payload of a change, facts included. */
  readonly length: number;
}

/**
 * `PATH-changes`: a header of 16 bytes (magic, two random words), then records, each with a checksum that continues that
 * of the record before, so that nothing left over from another time is taken for a part of it. The first record tells
 * the state. A change belongs to a transaction of the write-ahead log; it counts once that transaction is there.
 */
export class ChangeLog {
  readonly #file: ByteFile;
  readonly #pending = new Map<number, Pending>();
  // What was read and is still to be judged by `recover`.
  readonly #found: Scanned[] = [];
  readonly state: LogState;
  #nextId: number;
  #requiredEnd: number;
  #end: number;
  #checksum: RunningChecksum;
  #pendingBytes = 0;

  private constructor(file: ByteFile, first: Scanned & { readonly record: LogState }) {
    this.#file = file;
    this.state = first.record;
    this.#nextId = first.record.nextId;
    this.#requiredEnd = first.record.requiredEnd;
    this.#end = first.end;
    this.#checksum = first.checksum;
  }

  /** Begins a log in an empty file, durably. */
  static async create(file: ByteFile, state: LogState, seed: RunningChecksum): Promise<ChangeLog> {
    await file.write(beginning(state, seed).bytes, 0);
    await file.sync();
    return ChangeLog.open(file, { mayBeTorn: false }) as Promise<ChangeLog>;
  }

  /**
   * Reads a log as far as its records are whole. Call `recover` before anything else.
   * @param mayBeTorn whether a log that was never finished may be there
   * @returns `undefined` if there is none, or one that was never finished
   * @throws {LacunaError} `REPLICA_CORRUPT` if something else is there
   */
  static async open(
    file: ByteFile,
    { mayBeTorn }: { readonly mayBeTorn: boolean },
  ): Promise<ChangeLog | undefined> {
    const header = new Uint8Array(HEADER_BYTES);
    const read = await file.read(header, 0);
    const reader = new ReadAhead(file);
    const begins = MAGIC.every((byte, i) => i >= read || header[i] === byte);
    const hole = header.every((byte) => byte === 0);
    if (read === HEADER_BYTES && begins) {
      const first = await scan(reader, HEADER_BYTES, seedOf(header));
      if (first?.record.kind === "state") {
        const log = new ChangeLog(file, { ...first, record: first.record });
        let last = first;
        for (;;) {
          const next = await scan(reader, last.end, last.checksum);
          if (next === undefined) return log;
          log.#found.push(next);
          last = next;
        }
      }
    }
    if (mayBeTorn && (begins || hole)) return undefined;
    throw new LacunaError(
      "REPLICA_CORRUPT",
      `the log of local changes does not begin like one (${await file.size()} bytes). It was left alone`,
    );
  }

  /** The ends of the transactions that changes belong to. */
  commitEnds(): Set<number> {
    const ends = new Set<number>();
    for (const { record } of this.#found) {
      if (record.kind === "change" && record.commit !== undefined) ends.add(record.commit.end);
    }
    return ends;
  }

  /**
   * Takes what counts: records up to the first change whose transaction is not there. What comes after is cut off.
   * @param commits by their ends, the checksums of the transactions that are there
   * @param walEnd where the write-ahead log ends
   * @throws {LacunaError} `REPLICA_CORRUPT` if transactions are missing that were durable
   */
  async recover(commits: ReadonlyMap<number, RunningChecksum>, walEnd: number): Promise<void> {
    let counts = true;
    let requiredEnd = this.#requiredEnd;
    for (const scanned of this.#found.splice(0)) {
      const { record } = scanned;
      counts &&= isCommitted(record, commits);
      // Also of records that do not count: they were written when the log was that long.
      if (record.kind !== "settled") requiredEnd = Math.max(requiredEnd, record.requiredEnd);
      if (counts) this.#take(scanned);
    }
    if (requiredEnd > walEnd) {
      throw new LacunaError(
        "REPLICA_CORRUPT",
        `the write-ahead log should have at least ${requiredEnd} bytes, found ${walEnd}: it was changed by ` +
          "another program. The files were left alone",
      );
    }
    await this.cut();
  }

  get nextId(): number {
    return this.#nextId;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Bytes of the changes that are pending. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes of the log. */
  get bytes(): number {
    return this.#end;
  }

  get requiredEnd(): number {
    return this.#requiredEnd;
  }

  has(id: number): boolean {
    return this.#pending.has(id);
  }

  /** Appends records durably. If it fails, `cut` must succeed before anything else is written. */
  async append(entries: readonly LogEntry[]): Promise<void> {
    (await this.write(entries))();
  }

  /** The same in two steps: what was written counts once the function that this resolves with is called. */
  async write(entries: readonly LogEntry[]): Promise<() => void> {
    if (entries.length === 0) return () => {};
    let checksum = this.#checksum;
    const pieces: Uint8Array[] = [];
    for (const { record, change } of entries) {
      const encoded = encodeRecord(record, checksum, change);
      checksum = encoded.checksum;
      pieces.push(encoded.bytes);
    }
    await writeJoined(this.#file, pieces, this.#end);
    await this.#file.sync();
    return () => {
      for (const [i, { record, change }] of entries.entries()) {
        const start = this.#end;
        const end = start + (pieces[i]?.byteLength ?? 0);
        const length = CHANGE_FACTS_BYTES + (change?.byteLength ?? 0);
        this.#take({ record, start, end, checksum, length });
      }
    };
  }

  /** Durably removes whatever comes after the last record that counts. */
  async cut(): Promise<void> {
    if ((await this.#file.size()) === this.#end) return;
    await this.#file.truncate(this.#end);
    await this.#file.sync();
  }

  /** The pending changes, oldest first. */
  async pending(): Promise<ChangeRecord[]> {
    const found: ChangeRecord[] = [];
    const reader = new ReadAhead(this.#file);
    for (const pending of this.#pending.values()) {
      found.push({ id: pending.id, bytes: (await bytesOf(reader, pending)).slice() });
    }
    return found;
  }

  /**
   * Writes a log that begins with `state` and has the changes that are still pending, as certain, and `added`, with ids
   * from that of the state on.
   * @param settled changes to leave out
   * @returns the length of the log
   */
  async copyTo(
    file: ByteFile,
    state: LogState,
    seed: RunningChecksum,
    settled: ReadonlySet<number> = new Set(),
    added: readonly Uint8Array[] = [],
  ): Promise<number> {
    const head = beginning({ ...state, nextId: state.nextId + added.length }, seed);
    let { checksum } = head;
    let at = 0;
    let gathered = [head.bytes];
    let gatheredBytes = head.bytes.byteLength;
    const flush = async (): Promise<void> => {
      await writeJoined(file, gathered, at);
      at += gatheredBytes;
      gathered = [];
      gatheredBytes = 0;
    };
    const add = async (id: number, change: Uint8Array): Promise<void> => {
      const record: LogRecord = { kind: "change", id, commit: undefined, requiredEnd: state.requiredEnd };
      const encoded = encodeRecord(record, checksum, change);
      checksum = encoded.checksum;
      gathered.push(encoded.bytes);
      gatheredBytes += encoded.bytes.byteLength;
      if (gatheredBytes >= WRITE_BYTES) await flush();
    };
    const reader = new ReadAhead(this.#file);
    for (const pending of this.#pending.values()) {
      if (!settled.has(pending.id)) await add(pending.id, await bytesOf(reader, pending));
    }
    for (const [i, change] of added.entries()) await add(state.nextId + i, change);
    await flush();
    return at;
  }

  #take({ record, start, end, checksum, length }: Scanned): void {
    if (record.kind === "change") {
      const bytes = length - CHANGE_FACTS_BYTES;
      const offset = start + RECORD_HEADER_BYTES + CHANGE_FACTS_BYTES;
      this.#pending.set(record.id, { id: record.id, offset, length: bytes });
      this.#pendingBytes += bytes;
      this.#nextId = Math.max(this.#nextId, record.id + 1);
    } else if (record.kind === "settled") {
      for (const id of record.ids) {
        this.#pendingBytes -= this.#pending.get(id)?.length ?? 0;
        this.#pending.delete(id);
      }
    }
    if (record.kind !== "settled") this.#requiredEnd = Math.max(this.#requiredEnd, record.requiredEnd);
    this.#end = end;
    this.#checksum = checksum;
  }
}

async function bytesOf(reader: ReadAhead, { id, offset, length }: Pending): Promise<Uint8Array> {
  const bytes = await reader.at(offset, length);
  if (bytes.byteLength === length) return bytes;
  throw new LacunaError(
    "STORAGE",
    `change ${id} should have ${length} bytes, ${bytes.byteLength} could be read`,
  );
}

function isCommitted(record: LogRecord, commits: ReadonlyMap<number, RunningChecksum>): boolean {
  if (record.kind !== "change" || record.commit === undefined) return true;
  const { end, checksum } = record.commit;
  const found = commits.get(end);
  return found !== undefined && found[0] === checksum[0] && found[1] === checksum[1];
}

const seedOf = (header: Uint8Array): RunningChecksum => {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return [view.getUint32(8, true), view.getUint32(12, true)];
};

function beginning(
  state: LogState,
  seed: RunningChecksum,
): { readonly bytes: Uint8Array; readonly checksum: RunningChecksum } {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(MAGIC);
  const view = new DataView(header.buffer);
  view.setUint32(8, seed[0], true);
  view.setUint32(12, seed[1], true);
  const { bytes, checksum } = encodeRecord({ kind: "state", ...state }, seed);
  return { bytes: joined([header, bytes], HEADER_BYTES + bytes.byteLength), checksum };
}

/** The record at `start`, if a whole one is there that continues the checksum. */
async function scan(reader: ReadAhead, start: number, after: RunningChecksum): Promise<Scanned | undefined> {
  const header = await reader.at(start, RECORD_HEADER_BYTES);
  if (header.byteLength < RECORD_HEADER_BYTES) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [length, kind] = [view.getUint32(0, true), view.getUint32(4, true)];
  let checksum = runningChecksum(after, header);
  const payloadStart = start + RECORD_HEADER_BYTES;
  const payloadEnd = payloadStart + length + padding(length);
  // Of a change, which has no limit, the facts in front; of others all, in as many pieces as it takes.
  const wanted = isChange(kind) ? Math.min(length, CHANGE_FACTS_BYTES) : length;
  const facts: Uint8Array[] = [];
  for (let at = payloadStart; at < payloadEnd; ) {
    const piece = await reader.at(at, Math.min(PIECE_BYTES, payloadEnd - at));
    if (piece.byteLength < Math.min(PIECE_BYTES, payloadEnd - at)) return undefined;
    checksum = runningChecksum(checksum, piece);
    const left = payloadStart + wanted - at;
    if (left > 0) facts.push(piece.slice(0, left));
    at += piece.byteLength;
  }
  const stored = await reader.at(payloadEnd, RECORD_CHECKSUM_BYTES);
  if (stored.byteLength < RECORD_CHECKSUM_BYTES) return undefined;
  const expected = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  if (expected.getUint32(0, true) !== checksum[0] || expected.getUint32(4, true) !== checksum[1])
    return undefined;
  const record = decodeFacts(kind, joined(facts, wanted));
  return record === undefined
    ? undefined
    : { record, start, end: payloadEnd + RECORD_CHECKSUM_BYTES, checksum, length };
}
