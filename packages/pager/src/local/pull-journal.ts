import {
  type ByteFile,
  type DatabaseShape,
  isPageSize,
  LacunaError,
  MAX_PAGE_NO,
  type PageEntry,
  type PageNo,
  type PageRange,
  PageSet,
  type PageStore,
  revision,
} from "@lacuna/page";
import { copyBytes } from "./joined-writes.ts";
import { type RunningChecksum, runningChecksum } from "./running-checksum.ts";
import { WalLog, type WalSalts } from "./wal-log.ts";
import { windowFile } from "./window-file.ts";

/** Where the sections start: what comes before is the header, in one disk sector. */
export const JOURNAL_HEADER_BYTES = 512;
const MAGIC = new TextEncoder().encode("lacunaP\x01");
const CHECKED_BYTES = 72;
const SEED: RunningChecksum = [0x6c616375, 0x6e610000];
const PUT_BYTES = 1 << 20;

/** A piece of the journal: where it starts and how long it is. */
export interface Section {
  readonly start: number;
  readonly length: number;
}

/** How the base moves. */
export interface BaseMove {
  readonly shape: DatabaseShape;
  /** Pages that stay. */
  readonly keep: PageSet;
}

/** A step that is durable once its header is. Whatever it does can be done again. */
export interface JournalStep {
  /** JSON that tells how the base moves; empty where it does not. */
  readonly move: Section;
  /** Pages of the new base, as a write-ahead log. */
  readonly pages: Section;
  /** What `PATH-wal` will be; `undefined` where it stays. */
  readonly wal: Section | undefined;
  /** What `PATH-changes` will be. */
  readonly changes: Section;
}

/** The files a step is about. */
export interface ReplicaFiles {
  readonly store: PageStore;
  readonly wal: ByteFile;
  readonly changes: ByteFile;
  readonly journal: ByteFile;
}

/** The salts of the log that has a journal's pages: nothing there is ever left over from another time. */
export const JOURNAL_SALTS: WalSalts = [0x6c616375, 0x6e610001];

/** Encodes how the base moves. */
export function encodeMove({ shape, keep }: BaseMove): Uint8Array {
  const ranges = keep.ranges().flatMap(({ first, last }) => [first, last]);
  return new TextEncoder().encode(JSON.stringify({ shape, keep: ranges }));
}

/** Makes a step durable whose sections were written. From here on it will be done. */
export async function commitJournal(journal: ByteFile, step: JournalStep): Promise<void> {
  await journal.sync();
  await journal.write(encodeHeader(step), 0);
  await journal.sync();
}

/** Forgets a step, durably. */
export async function clearJournal(journal: ByteFile): Promise<void> {
  if ((await journal.size()) === 0) return;
  await journal.truncate(0);
  await journal.sync();
}

/**
 * The step that was committed and is not done yet.
 * @throws {LacunaError} `REPLICA_CORRUPT` if the file is not a journal
 */
export async function readJournal(journal: ByteFile): Promise<JournalStep | undefined> {
  const header = new Uint8Array(JOURNAL_HEADER_BYTES);
  const read = await journal.read(header, 0);
  const step = read === JOURNAL_HEADER_BYTES ? decodeHeader(header) : undefined;
  // A step that was never committed has a hole in front, or nothing.
  if (step !== undefined || header.every((byte) => byte === 0)) return step;
  if (MAGIC.every((byte, i) => i >= read || header[i] === byte)) return undefined;
  throw new LacunaError(
    "REPLICA_CORRUPT",
    `the file for interrupted steps does not begin like one (${await journal.size()} bytes). It was left alone`,
  );
}

/** Does a step, however far it had come before. `clearJournal` forgets it. */
export async function applyJournal(files: ReplicaFiles, step: JournalStep): Promise<void> {
  const { store, wal, changes, journal } = files;
  if (step.move.length > 0) await moveBase(store, journal, step);
  if (step.wal !== undefined) await replace(wal, journal, step.wal);
  await replace(changes, journal, step.changes);
}

async function moveBase(store: PageStore, journal: ByteFile, step: JournalStep): Promise<void> {
  const { shape, keep } = await readMove(journal, step.move);
  if (store.shape()?.pageSize === shape.pageSize) await store.adopt(shape, complement(keep));
  else await store.reset(shape);
  const source = windowFile(journal, step.pages.start, step.pages.length);
  const { offsets } = await WalLog.recover(source, shape.pageSize, JOURNAL_SALTS);
  let batch: PageEntry[] = [];
  for (const [page, offset] of offsets) {
    if (page > shape.pageCount) continue;
    const bytes = new Uint8Array(shape.pageSize);
    await source.read(bytes, offset);
    batch.push({ page, bytes });
    if (batch.length * shape.pageSize < PUT_BYTES) continue;
    await store.put(batch);
    batch = [];
  }
  await store.put(batch);
  await store.flush();
}

async function readMove(journal: ByteFile, { start, length }: Section): Promise<BaseMove> {
  const bytes = new Uint8Array(length);
  await journal.read(bytes, start);
  try {
    const { shape, keep: ends } = JSON.parse(new TextDecoder().decode(bytes)) as {
      shape: DatabaseShape;
      keep: number[];
    };
    const keep = new PageSet();
    for (let i = 0; i < ends.length; i += 2) {
      for (let page = ends[i] ?? 1; page <= (ends[i + 1] ?? 0); page++) keep.add(page as PageNo);
    }
    if (!isPageSize(shape.pageSize)) throw new RangeError(`pages of ${shape.pageSize} bytes`);
    return { shape: { ...shape, revision: revision(shape.revision) }, keep };
  } catch (cause) {
    const message = "a step that was interrupted cannot be read. Nothing was changed";
    throw new LacunaError("REPLICA_CORRUPT", message, { cause });
  }
}

/** Every page a database can have that is not in the set. */
export function complement(pages: PageSet): PageRange[] {
  const gaps: PageRange[] = [];
  let next = 1;
  for (const { first, last } of pages.ranges()) {
    if (first > next) gaps.push({ first: next as PageNo, last: (first - 1) as PageNo });
    next = last + 1;
  }
  if (next <= MAX_PAGE_NO) gaps.push({ first: next as PageNo, last: MAX_PAGE_NO });
  return gaps;
}

async function replace(file: ByteFile, journal: ByteFile, { start, length }: Section): Promise<void> {
  await copyBytes(journal, start, length, file, 0);
  await file.truncate(length);
  await file.sync();
}

// Little-endian: magic (8 bytes), start and length of move, pages, log and changes (64 bits each), checksum. A start of 0:
// there is no such section.
function encodeHeader({ move, pages, wal, changes }: JournalStep): Uint8Array {
  const bytes = new Uint8Array(JOURNAL_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  [move, pages, wal ?? { start: 0, length: 0 }, changes].forEach(({ start, length }, i) => {
    view.setBigUint64(8 + 16 * i, BigInt(start), true);
    view.setBigUint64(16 + 16 * i, BigInt(length), true);
  });
  const checksum = runningChecksum(SEED, bytes.subarray(0, CHECKED_BYTES));
  view.setUint32(CHECKED_BYTES, checksum[0], true);
  view.setUint32(CHECKED_BYTES + 4, checksum[1], true);
  return bytes;
}

function decodeHeader(bytes: Uint8Array): JournalStep | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (MAGIC.some((byte, i) => byte !== bytes[i])) return undefined;
  const checksum = runningChecksum(SEED, bytes.subarray(0, CHECKED_BYTES));
  if (view.getUint32(CHECKED_BYTES, true) !== checksum[0]) return undefined;
  if (view.getUint32(CHECKED_BYTES + 4, true) !== checksum[1]) return undefined;
  const section = (i: number): Section => ({
    start: Number(view.getBigUint64(8 + 16 * i, true)),
    length: Number(view.getBigUint64(16 + 16 * i, true)),
  });
  const wal = section(2);
  return { move: section(0), pages: section(1), wal: wal.start === 0 ? undefined : wal, changes: section(3) };
}
