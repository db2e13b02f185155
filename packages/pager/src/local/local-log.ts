import { WAL_HEADER_BYTES } from "@lacuna/btree/wal";
import { type ByteFile, closedError, LacunaError, type PageNo, type PageStore } from "@lacuna/page";
import type { ChangeRecord } from "../write-source.ts";
import type { ChangeLog } from "./change-log.ts";
import type { LogState } from "./log-record.ts";
import {
  applyJournal,
  clearJournal,
  commitJournal,
  JOURNAL_HEADER_BYTES,
  type JournalStep,
  type ReplicaFiles,
  readJournal,
} from "./pull-journal.ts";
import { type RandomBytes, randomWords } from "./random-words.ts";
import { recoverLogs, reopenChanges } from "./recover-logs.ts";
import { Turns } from "./turns.ts";
import type { RecoveredWal, WalLog, WalSalts, WalTransaction } from "./wal-log.ts";
import { windowFile } from "./window-file.ts";

/** A transaction on its way into the files. */
export interface LocalCommit {
  readonly transaction: WalTransaction;
  readonly change: ChangeRecord | undefined;
  /** Called when it is durable. */
  readonly onWritten: () => void;
}

/** Who follows a step that replaces the files. Both may be called again if they fail, until they succeed once. */
export interface StepEvents {
  /** There is no way back. When it resolves, the files of before must not be read any more. */
  readonly onCommit: () => Promise<void>;
  /** It is done. */
  readonly onDone: (wal: RecoveredWal) => Promise<void>;
}

/** Changes of a log that are worth writing it anew. */
const COMPACT_BYTES = 1 << 18;

/**
 * The files of the local pages: the write-ahead log and the log of changes, which are written in an order such that a
 * crash at any byte leaves whole transactions with their changes, and the journal of steps that replace them.
 */
export class LocalLog {
  readonly #files: ReplicaFiles;
  readonly #random: RandomBytes;
  readonly #turns = new Turns();
  #wal: WalLog;
  #changes: ChangeLog;
  #nextId: number;
  #queue: LocalCommit[] = [];
  #queuedBytes = 0;
  #pendingCount = 0;
  #pendingBytes = 0;
  // What has to succeed before anything else is written: a failed write may have left something behind.
  #repair: (() => Promise<void>) | undefined;
  #unfinished = false;
  // While a step is being prepared the journal is its alone.
  #preparing = false;
  #flushes = 0;
  #closed = false;

  private constructor(files: ReplicaFiles, wal: WalLog, changes: ChangeLog, random: RandomBytes) {
    this.#files = files;
    this.#random = random;
    this.#wal = wal;
    this.#changes = changes;
    this.#nextId = changes.nextId;
  }

  /**
   * Opens the files of a store, after finishing what a crash interrupted.
   * @throws {LacunaError} `REPLICA_CORRUPT` if they are not those of this replica; they are left alone
   */
  static async open(
    store: PageStore,
    random: RandomBytes,
  ): Promise<{ readonly log: LocalLog; readonly wal: RecoveredWal }> {
    const opened: ByteFile[] = [];
    const open = async (name: "wal" | "changes" | "pull"): Promise<ByteFile> => {
      const file = await store.openFile(name);
      opened.push(file);
      return file;
    };
    try {
      const files: ReplicaFiles = {
        store,
        wal: await open("wal"),
        changes: await open("changes"),
        journal: await open("pull"),
      };
      const step = await readJournal(files.journal);
      if (step !== undefined) await applyJournal(files, step);
      const { wal, changes } = await recoverLogs(files, random);
      await clearJournal(files.journal);
      return { log: new LocalLog(files, wal.log, changes, random), wal };
    } catch (error) {
      await Promise.allSettled(opened.map((file) => file.close()));
      throw error;
    }
  }

  get walFile(): ByteFile {
    return this.#files.wal;
  }

  get journal(): ByteFile {
    return this.#files.journal;
  }

  /** Bytes of `PATH-wal` as far as they are written. */
  get walBytes(): number {
    return this.#wal.bytes;
  }

  get pendingCount(): number {
    return this.#changes.pendingCount + this.#pendingCount;
  }

  get pendingBytes(): number {
    return this.#changes.pendingBytes + this.#pendingBytes;
  }

  /** Bytes of transactions that are only in memory. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Frames in `PATH-wal` as far as they are written. */
  get walFrames(): number {
    return this.#wal.frames;
  }

  /** How often transactions were made durable, however many at once. */
  get flushes(): number {
    return this.#flushes;
  }

  /** Puts a transaction behind those before it, in memory. `flush` writes it. */
  enqueue(
    pages: readonly (readonly [PageNo, Uint8Array])[],
    pageCount: number,
    change: Uint8Array | undefined,
    onWritten: () => void,
  ): WalTransaction {
    const transaction = this.#wal.prepare(pages, pageCount);
    const record = change === undefined ? undefined : { id: this.#nextId++, bytes: change };
    this.#queue.push({ transaction, change: record, onWritten });
    this.#queuedBytes += bytesOf(transaction) + (change?.byteLength ?? 0);
    if (record !== undefined) {
      this.#pendingCount++;
      this.#pendingBytes += record.bytes.byteLength;
    }
    return transaction;
  }

  /** Writes what is queued, durably. What could not be written stays queued. */
  flush(): Promise<void> {
    return this.#turns.take(() => this.#flush());
  }

  /** The same, but what could not be written is forgotten. */
  flushOrForget(): Promise<void> {
    return this.#turns.take(async () => {
      try {
        await this.#flush();
      } catch (error) {
        this.#forgetQueue(this.#queue.length);
        this.#wal.rewind();
        // What was reported as failed should not be found after a crash either.
        await this.#repaired().catch(() => {});
        throw error;
      }
    });
  }

  pending(): Promise<ChangeRecord[]> {
    return this.#turns.take(async () => {
      await this.#flush();
      return this.#changes.pending();
    });
  }

  settle(ids: readonly number[]): Promise<void> {
    return this.#turns.take(async () => {
      await this.#flush();
      const known = [...new Set(ids)].filter((id) => this.#changes.has(id));
      if (known.length === 0) return;
      await this.#append([{ record: { kind: "settled", ids: known } }]);
      const dead = this.#changes.bytes - this.#changes.pendingBytes;
      if (this.#preparing || dead < COMPACT_BYTES || dead < this.#changes.pendingBytes) return;
      // They are settled; that the log is longer than it needs to be harms nobody.
      await this.#compactChanges().catch(() => {});
    });
  }

  /**
   * Says which revision the pages below are of. Only while nothing lies over them.
   * @throws {LacunaError} `REPLICA_CORRUPT` if local pages lie over those of another revision
   */
  bind(revision: string): Promise<void> {
    return this.#turns.take(async () => {
      const { state } = this.#changes;
      if (state.revision === revision) return;
      if (this.#wal.position.end > WAL_HEADER_BYTES) {
        throw new LacunaError(
          "REPLICA_CORRUPT",
          `the local pages belong to revision ${state.revision}, the replica is at ${revision}`,
        );
      }
      await this.#repaired();
      await this.#replaceChanges({ ...this.#state(revision), salts: this.#wal.salts });
    });
  }

  /** A new pair of salts. */
  newSalts(): WalSalts {
    return randomWords(this.#random);
  }

  /**
   * Makes a step durable and does it: another base, another write-ahead log, without the changes in `settled` and with
   * those in `added`. `prepared` has the sections that are in the journal already.
   */
  replace(
    prepared: Pick<JournalStep, "move" | "pages" | "wal">,
    log: { readonly salts: WalSalts; readonly revision: string },
    changes: { readonly settled: ReadonlySet<number>; readonly added: readonly Uint8Array[] },
    on: StepEvents,
  ): Promise<void> {
    return this.#turns.take(async () => {
      this.#preparing = false;
      await this.#flush();
      const start = Math.max(JOURNAL_HEADER_BYTES, await this.#files.journal.size());
      const requiredEnd = (prepared.wal?.length ?? 0) > 0 ? (prepared.wal?.length ?? 0) : WAL_HEADER_BYTES;
      const state: LogState = {
        nextId: this.#nextId,
        salts: log.salts,
        requiredEnd,
        revision: log.revision,
      };
      const step = await this.#journaled({ ...prepared, start }, state, changes);
      await this.#do(step, on);
    });
  }

  /** Forgets a step that is being prepared. */
  abandon(): Promise<void> {
    this.#repair ??= () => clearJournal(this.#files.journal);
    return this.#turns.take(async () => {
      this.#preparing = false;
      await this.#repaired();
    });
  }

  /** Empties the journal for a step to be prepared. */
  beginStep(): Promise<void> {
    return this.#turns.take(async () => {
      await this.#flush();
      await clearJournal(this.#files.journal);
      this.#preparing = true;
    });
  }

  /** Finishes what failed before, such as a step that is durable and not done. Does nothing otherwise. */
  repair(): Promise<void> {
    return this.#turns.take(() => this.#repaired());
  }

  /** True while there is something to `repair`. */
  get broken(): boolean {
    return this.#repair !== undefined;
  }

  /** True if a step to another base is durable and not done. */
  get unfinished(): boolean {
    return this.#unfinished;
  }

  /** Writes what is queued and closes the files. */
  close(): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#closed) return;
      const steps = [
        () => this.#flush(),
        () => this.#mark(),
        () => this.#files.wal.close(),
        () => this.#files.changes.close(),
        () => this.#files.journal.close(),
      ];
      const failures: unknown[] = [];
      for (const step of steps) await step().catch((error) => failures.push(error));
      this.#closed = true;
      if (failures.length > 0) throw failures[0];
    });
  }

  /** Says where the write-ahead log ends, so that its loss is noticed. */
  async #mark(): Promise<void> {
    const requiredEnd = this.#wal.written.end;
    if (requiredEnd <= this.#changes.requiredEnd) return;
    // A change whose pages may be in the log must not be written over before they are gone.
    await this.#repaired();
    await this.#append([{ record: { kind: "mark", requiredEnd } }]);
  }

  async #repaired(): Promise<void> {
    if (this.#closed) throw closedError("the pager");
    await this.#repair?.();
    this.#repair = undefined;
  }

  async #append(entries: Parameters<ChangeLog["append"]>[0]): Promise<void> {
    try {
      await this.#changes.append(entries);
    } catch (error) {
      this.#repair ??= () => this.#cut();
      throw error;
    }
  }

  async #cut(): Promise<void> {
    await this.#wal.cut();
    await this.#changes.cut();
  }

  async #flush(): Promise<void> {
    await this.#repaired();
    const queue = [...this.#queue];
    const requiredEnd = this.#wal.written.end;
    const entries = queue.flatMap(({ transaction, change }) => {
      if (change === undefined) return [];
      const record = { kind: "change", id: change.id, commit: transaction.position, requiredEnd } as const;
      return [{ record, change: change.bytes }];
    });
    if (queue.length === 0) return;
    try {
      const accept = await this.#changes.write(entries);
      await this.#wal.write(queue.map(({ transaction }) => transaction));
      accept();
    } catch (error) {
      this.#repair ??= () => this.#cut();
      throw error;
    }
    this.#flushes++;
    this.#forgetQueue(queue.length);
    for (const { onWritten } of queue) onWritten();
  }

  #forgetQueue(count: number): void {
    for (const { transaction, change } of this.#queue.splice(0, count)) {
      this.#queuedBytes -= bytesOf(transaction) + (change?.bytes.byteLength ?? 0);
      if (change === undefined) continue;
      this.#pendingCount--;
      this.#pendingBytes -= change.bytes.byteLength;
    }
  }

  #state(revision: string): LogState {
    return {
      nextId: this.#nextId,
      salts: this.#wal.salts,
      requiredEnd: this.#wal.written.end,
      revision,
    };
  }

  async #compactChanges(): Promise<void> {
    await this.#replaceChanges(this.#state(this.#changes.state.revision));
  }

  async #replaceChanges(state: LogState): Promise<void> {
    await clearJournal(this.#files.journal);
    const none = { start: 0, length: 0 };
    const prepared = { move: none, pages: none, wal: undefined, start: JOURNAL_HEADER_BYTES };
    const step = await this.#journaled(prepared, state, { settled: new Set(), added: [] });
    await this.#do(step, { onCommit: async () => {}, onDone: async () => {} });
  }

  /** Adds the log of changes to the journal and makes the step durable. */
  async #journaled(
    { start, ...sections }: Pick<JournalStep, "move" | "pages" | "wal"> & { readonly start: number },
    state: LogState,
    changes: { readonly settled: ReadonlySet<number>; readonly added: readonly Uint8Array[] },
  ): Promise<JournalStep> {
    const { journal } = this.#files;
    try {
      const length = await this.#changes.copyTo(
        windowFile(journal, start),
        state,
        randomWords(this.#random),
        changes.settled,
        changes.added,
      );
      const step = { ...sections, changes: { start, length } };
      await commitJournal(journal, step);
      return step;
    } catch (error) {
      // It may be there after all. Nothing may be written that it would undo.
      this.#repair ??= () => clearJournal(journal);
      throw error;
    }
  }

  /** Does a step that is durable. What fails is tried again before anything else is written. */
  async #do(step: JournalStep, on: StepEvents): Promise<void> {
    let recovered: RecoveredWal | undefined;
    const stages = [
      on.onCommit,
      () => applyJournal(this.#files, step),
      async () => {
        if (step.wal === undefined) {
          // The write-ahead log stays: somebody may have prepared a transaction for it meanwhile.
          this.#changes = await reopenChanges(this.#files, this.#wal);
        } else {
          const { wal, changes } = await recoverLogs(this.#files, this.#random);
          this.#wal = wal.log;
          this.#changes = changes;
          recovered = wal;
        }
        this.#nextId = Math.max(this.#nextId, this.#changes.nextId);
      },
      async () => {
        if (recovered !== undefined) await on.onDone(recovered);
      },
      () => clearJournal(this.#files.journal),
    ];
    this.#repair = async () => {
      for (let stage = stages[0]; stage !== undefined; stage = stages[0]) {
        await stage();
        stages.shift();
      }
      this.#unfinished = false;
    };
    // Other steps leave what is shown as it is: readers need not wait for them.
    this.#unfinished = step.move.length > 0;
    await this.#repaired();
  }
}

function bytesOf({ start, position }: WalTransaction): number {
  return position.end - start;
}
