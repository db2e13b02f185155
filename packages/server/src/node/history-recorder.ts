import { type PageNo, pagesOf, rangesInOrder } from "@lacuna/page";
import { pageChunks } from "../page-chunks.ts";
import { type FileProof, stampHolds } from "./file-proof.ts";
import type { LineRevision } from "./history-line.ts";
import type { ResolvedHistoryOptions } from "./history-options.ts";
import {
  type HistoryStore,
  NOWHERE,
  newGeneration,
  type Recorded,
  type RecordedPlace,
} from "./history-store.ts";
import type { BegunLog, LogState } from "./log-file.ts";
import { saltsName } from "./shared-memory.ts";
import { extendedCode } from "./sqlite-error.ts";
import type { FileState, StateReader } from "./state-reader.ts";
import type { Steps } from "./steps.ts";
import { frameChecksum, frameSalts, type LoggedCommit, loggedCommits } from "./wal-commits.ts";

/** Pages read at a time to be put into the store. */
const PAGES_AT_A_TIME = 64;

type Options = Pick<ResolvedHistoryOptions, "retentionMs" | "retentionBytes" | "now">;

/** Where the recorded part of a log ends, and where the newest pages of that part are. */
interface LogPosition {
  readonly frames: number;
  readonly offsets: ReadonlyMap<PageNo, number>;
}

/**
 * Puts the commits of a database into its history, each as a revision. The caller sees to it that between the state that was
 * recorded last and the one to be recorded nothing is lost: by a read lock on the former that was held all the time.
 *
 * Where the store cannot take a commit because the disk is full, old revisions are given up; if that does not help either, the
 * history goes on without a past, and without a store, until there is room.
 */
export class HistoryRecorder {
  readonly #path: string;
  readonly #store: HistoryStore;
  readonly #reader: StateReader;
  readonly #options: Options;
  #newest: LineRevision | undefined;
  /** False while nothing can be written to the store. */
  #stored = true;

  constructor(path: string, store: HistoryStore, reader: StateReader, options: Options) {
    this.#path = path;
    this.#store = store;
    this.#reader = reader;
    this.#options = options;
  }

  get newest(): LineRevision {
    if (this.#newest === undefined) throw new Error("BUG: the history was not begun");
    return this.#newest;
  }

  /**
   * Takes up the history where the store ends, if the files prove that nothing between is missing; begins another
   * generation otherwise.
   * @param state the present one, under a lock
   * @param proof what was found before the first connection was opened
   */
  *begin(state: FileState, proof: FileProof): Steps<void> {
    const { recorded } = this.#store;
    const last = recorded && this.#store.revision(recorded.newest);
    if (recorded === undefined || last === undefined) return yield* this.#startGeneration(state);
    const { generation, newest: number } = recorded;
    const { tag, pageCount, madeMs } = last;
    const resumed: LineRevision = { generation, number, tag, pageCount, madeMs };
    const from = positionIn(state.log, recorded.place);
    if (from !== undefined && from.frames === state.log?.commit.frameCount) {
      this.#newest = resumed;
      return;
    }
    const baseHolds = proof.stamp !== undefined && proof.stamp === recorded.base?.stamp;
    const follows =
      from !== undefined || (baseHolds && recorded.base?.number === number) || isNextLog(state, recorded);
    // What the database file held before those commits is needed too, so it must not have been written to.
    if (!follows || !(baseHolds || isUntouchedBehind(state.begunLog, from?.frames ?? 0, proof))) {
      return yield* this.#startGeneration(state);
    }
    this.#newest = resumed;
    try {
      yield* this.#append(state, from ?? { frames: 0, offsets: new Map() }, proof.stamp);
    } catch (error) {
      if (!(error instanceof Unproven)) throw error;
      yield* this.#startGeneration(state);
    }
  }

  /**
   * Records the commits between two states.
   * @param from the state recorded last, locked since
   * @param to the newest, locked too
   */
  *advance(from: FileState, to: FileState): Steps<LineRevision> {
    const log = to.log;
    const same = log !== undefined && from.log !== undefined && saltsOf(log) === saltsOf(from.log);
    const position = same && from.log ? positionOf(from.log) : { frames: 0, offsets: new Map() };
    if (log === undefined || log.commit.frameCount === position.frames) return this.newest;
    if (!this.#stored) yield* this.#startGeneration(to);
    else yield* this.#append(to, position);
    return this.newest;
  }

  /** Remembers that the database file alone, unchanged since the stamp, holds a revision. */
  rememberBase(number: number, generation: string, stamp: string): void {
    if (!this.#stored || generation !== this.newest.generation) return;
    ignoreStoreError(() => this.#store.setBase({ number, stamp }));
  }

  /** @param stamp what the database file must still be at the end */
  *#append(state: FileState, from: LogPosition, stamp?: string): Steps<void> {
    const before = this.newest;
    const task = function* (this: HistoryRecorder): Steps<void> {
      this.#newest = before;
      yield* this.#appendCommits(state, from);
      if (stamp !== undefined && !stampHolds(this.#path, stamp)) throw new Unproven();
    }.bind(this);
    try {
      yield* this.#store.transaction(task);
    } catch (error) {
      this.#newest = before;
      if (!isStoreError(error)) throw error;
      yield* this.#makeRoomAndRetry(task, state);
    }
  }

  *#makeRoomAndRetry(task: () => Steps<void>, state: FileState): Steps<void> {
    const half = { ms: this.#options.retentionMs, bytes: this.#store.bytes / 2 };
    const { now } = this.#options;
    const store = this.#store;
    try {
      yield* store.transaction(() => void store.prune(half, now()));
      yield* store.transaction(task);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      yield* this.#startGeneration(state);
    }
  }

  *#appendCommits(state: FileState, from: LogPosition): Steps<void> {
    const { log } = state;
    const offsets = new Map(from.offsets);
    if (log === undefined) return;
    for (const commit of loggedCommits(log, from.frames)) {
      yield* this.#appendCommit(commit, { ...state, log: { ...log, offsets } });
      for (const [page, offset] of commit.offsets) offsets.set(page, offset);
    }
    this.#store.setPlace(placeOf(log));
    const { retentionMs, retentionBytes, now } = this.#options;
    this.#store.prune({ ms: retentionMs, bytes: retentionBytes }, now());
  }

  /** @param previous the state before the commit */
  *#appendCommit({ pageCount, checksum, offsets }: LoggedCommit, previous: FileState): Steps<void> {
    const { generation, number: last, pageCount: pagesBefore } = this.newest;
    const number = last + 1;
    const changed = new Set(offsets.keys());
    for (let page = pageCount + 1; page <= pagesBefore; page++) changed.add(page as PageNo);
    const replaced = [...changed].filter((page) => page <= pagesBefore).sort((a, b) => a - b);
    const { pageSize } = previous;
    // A commit that alone exceeds what may be kept leaves nothing to go back to.
    const keep = replaced.length * pageSize <= this.#options.retentionBytes;
    const chunks = keep ? pageChunks(rangesInOrder(replaced), PAGES_AT_A_TIME) : [];
    for (const ranges of chunks) {
      const bytes = this.#reader.readPagesNow(previous, ranges);
      let at = 0;
      for (const page of pagesOf(ranges)) {
        this.#store.addImage(number, page, bytes.subarray(at, at + pageSize));
        at += pageSize;
      }
      yield;
    }
    const madeMs = this.#options.now();
    this.#store.addRevision(number, { pageCount, tag: checksum, madeMs, changed });
    if (!keep) this.#store.prune({ ms: 0, bytes: -1 }, madeMs);
    this.#newest = { generation, number, tag: checksum, pageCount, madeMs };
  }

  *#startGeneration(state: FileState): Steps<void> {
    const generation = newGeneration();
    const { pageCount } = state;
    const madeMs = this.#options.now();
    this.#newest = { generation, number: 0, tag: "0", pageCount, madeMs };
    const place = state.log === undefined ? NOWHERE : placeOf(state.log);
    const store = this.#store;
    try {
      yield* store.transaction(() => void store.startGeneration(generation, pageCount, madeMs, place));
      this.#stored = true;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#stored = false;
    }
  }
}

/** The file was written to while it was relied on. */
class Unproven extends Error {}

/** Whether no frame of the log behind the recorded ones was copied into the database file. */
function isUntouchedBehind(
  log: BegunLog | undefined,
  frames: number,
  { stamp, backfill }: FileProof,
): boolean {
  if (log === undefined || stamp === undefined || backfill === undefined) return false;
  return backfill.salts === saltsOf(log) && backfill.frames <= frames;
}

/**
 * Whether the log was started again right behind the recorded commit. All of the log before had gone into the database file
 * then; it ended with that commit if no frame of it lies behind. File Format, "Checkpoint Algorithm".
 */
function isNextLog(state: FileState, { place }: Recorded): boolean {
  const log = state.begunLog;
  if (log === undefined || (state.log?.commit.frameCount ?? 0) > place.frames) return false;
  const salts = place.salts.split("-").map((word) => Number.parseInt(word, 36));
  if (place.frames === 0 || log.header.salt1 !== ((salts[0] ?? 0) + 1) % 2 ** 32) return false;
  return frameSalts(log, place.frames) === place.salts && frameSalts(log, place.frames + 1) !== place.salts;
}

/** The recorded part of the log; `undefined` if the log is another one. */
function positionIn(log: LogState | undefined, place: RecordedPlace): LogPosition | undefined {
  if (log === undefined || saltsOf(log) !== place.salts || place.frames > log.commit.frameCount)
    return undefined;
  // After a loss of power a log may have been continued from an earlier frame.
  if (frameChecksum(log, place.frames) !== place.checksum) return undefined;
  const offsets = new Map<PageNo, number>();
  for (const commit of loggedCommits(log, 0)) {
    if (commit.frameCount > place.frames) break;
    for (const [page, offset] of commit.offsets) offsets.set(page, offset);
  }
  return { frames: place.frames, offsets };
}

const positionOf = ({ commit, offsets }: LogState): LogPosition => ({ frames: commit.frameCount, offsets });

const saltsOf = ({ header }: BegunLog): string => saltsName(header.salt1, header.salt2);

function placeOf(log: LogState): RecordedPlace {
  const { frameCount, checksum } = log.commit;
  const name = checksum.map((word) => word.toString(36)).join("-");
  return { salts: saltsOf(log), frames: frameCount, checksum: name };
}

/** Whether the store failed, rather than the reading of the database, which goes past SQLite. */
const isStoreError = (error: unknown): boolean => extendedCode(error) !== undefined;

function ignoreStoreError(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!isStoreError(error)) throw error;
  }
}
