import type { CursorRequest, PipelineRequest } from "@lacuna/protocol";

export interface SqlCallOptions {
  /** False for who may only read: then SQLite refuses to write. */
  readonly writable: boolean;
  /** Aborted when the client is gone: what it asked for is given up and rolled back, unless it was done already. */
  readonly signal: AbortSignal;
}

export interface PipelineAnswer {
  /** Names the stream, if it goes on. */
  readonly baton: string | undefined;
  /** The JSON of each request's result, in the order of the requests. */
  readonly results: readonly string[];
}

export interface CursorAnswer {
  readonly baton: string | undefined;
  /** The lines of the entries, several at a time, each with its line feed. */
  readonly lines: AsyncIterable<string>;
  /** Must be called at the end, whether or not the lines were read. */
  close(): Promise<void>;
}

/**
 * Runs SQL for `/v2/pipeline`, `/v3/pipeline` and `/v3/cursor`.
 *
 * What SQLite refuses is in the results. Errors are thrown for what never got as far: a `Refusal` 400 for a baton that is
 * not known, and `LacunaError` `BUSY` when the wait for a turn took too long.
 */
export interface ServedSql {
  pipeline(request: PipelineRequest, options: SqlCallOptions): Promise<PipelineAnswer>;
  cursor(request: CursorRequest, options: SqlCallOptions): Promise<CursorAnswer>;
}
