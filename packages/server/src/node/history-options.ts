import { LacunaError } from "@lacuna/page";

/** How long old revisions can be read, and what keeping them may cost. */
export interface HistoryOptions {
  /**
   * How long a revision can be read after a newer one was made, in milliseconds.
   * @default 86400000 (a day)
   */
  readonly retentionMs?: number | undefined;
  /**
   * Bytes of replaced pages that are kept at most; beyond, the oldest revisions go first. The file takes about an eighth
   * more.
   * @default 268435456
   */
  readonly retentionBytes?: number | undefined;
  /**
   * The size of the write-ahead log, in bytes, from which on it is written back into the database. Readers of old revisions
   * are not affected.
   * @default 4194304
   */
  readonly checkpointBytes?: number | undefined;
  /**
   * How often to look for commits of other processes where the file system does not tell of them, in milliseconds.
   * @default 100
   */
  readonly pollMs?: number | undefined;
  /** The time in milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined;
}

export type ResolvedHistoryOptions = {
  readonly [Name in keyof HistoryOptions]-?: NonNullable<HistoryOptions[Name]>;
};

/** @throws {LacunaError} `INVALID_OPTION` for a value that is out of range */
export function resolveHistoryOptions(options: HistoryOptions): ResolvedHistoryOptions {
  const atLeast = (name: keyof HistoryOptions, value: number, least: number): number => {
    if (Number.isFinite(value) && value >= least) return value;
    throw new LacunaError("INVALID_OPTION", `${name} must be at least ${least}, got ${value}`);
  };
  return {
    retentionMs: atLeast("retentionMs", options.retentionMs ?? 86_400_000, 0),
    retentionBytes: atLeast("retentionBytes", options.retentionBytes ?? 268_435_456, 0),
    checkpointBytes: atLeast("checkpointBytes", options.checkpointBytes ?? 4_194_304, 0),
    pollMs: atLeast("pollMs", options.pollMs ?? 100, 1),
    now: options.now ?? Date.now,
  };
}
