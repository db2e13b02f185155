import { resolve } from "node:path";
import { closedError } from "@lacuna/page";
import type { CursorRequest, PipelineRequest } from "@lacuna/protocol";
import { Refusal } from "../../json-answer.ts";
import type { CursorAnswer, PipelineAnswer, ServedSql, SqlCallOptions } from "../../sql/served-sql.ts";
import { SqlProcessPool } from "./process-pool.ts";
import { SqlStream, type StreamContext } from "./sql-stream.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface ServedSqlFileOptions {
  /**
   * The processes to run it in, for several databases together.
   * @default some of its own, closed with it
   */
  readonly pool?: SqlProcessPool | undefined;
  /**
   * How long the SQL of one request may run, in milliseconds. Then it is interrupted and rolled back. A cursor, which runs as
   * fast as it is read, may take so long over each 64 KiB of its lines.
   * @default 10000
   */
  readonly sqlLimitMs?: number | undefined;
  /**
   * How long a stream waits for its next request, in milliseconds, before it is rolled back and closed.
   * @default 10000
   */
  readonly streamIdleMs?: number | undefined;
  /**
   * How long a request waits for its turn to write, and for a process, in milliseconds, before it is refused.
   * @default 30000
   */
  readonly waitMs?: number | undefined;
  /**
   * How long to wait for a lock of another program, in milliseconds.
   * @default 5000
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * What the results of one pipeline may take together, in bytes, about. A cursor has no such limit.
   * @default 33554432
   */
  readonly maxResultBytes?: number | undefined;
  /**
   * Called when something may have been committed, before anybody is told of it; the answer waits until it resolves. What
   * it rejects with goes to `onError`: the commit stands all the same.
   */
  readonly onWrite?: (() => Promise<unknown>) | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** SQL on a database file, in processes of its own. */
export interface ServedSqlFile extends ServedSql {
  /** How many streams are open. */
  readonly openStreams: number;
  /** Rolls back what is open and gives up what runs. Calling it again is harmless. */
  close(): Promise<void>;
}

/** A stream between two requests. */
interface Waiting {
  readonly stream: SqlStream;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Runs SQL on a database file. Nothing is opened before the first request; a file in rollback mode is then brought into WAL
 * mode by the first that may write, so that readers and the writer do not wait for each other.
 */
export function openServedSql(path: string, options: ServedSqlFileOptions = {}): ServedSqlFile {
  const { streamIdleMs = 10_000 } = options;
  const pool = options.pool ?? new SqlProcessPool();
  const context: StreamContext = {
    pool,
    writers: new WaitingLine("the turn to write", 1),
    open: {
      path: resolve(path),
      busyTimeoutMs: options.busyTimeoutMs ?? 5000,
      maxResultBytes: options.maxResultBytes ?? 33_554_432,
    },
    limitMs: options.sqlLimitMs ?? 10_000,
    waitMs: options.waitMs ?? 30_000,
    onWrite: async () => {
      try {
        await options.onWrite?.();
      } catch (error) {
        options.onError?.(error);
      }
    },
  };
  const streams = new Set<SqlStream>();
  const waiting = new Map<string, Waiting>();
  let closed = false;

  const take = (baton: string | undefined, writable: boolean): SqlStream => {
    if (closed) throw closedError("the served database");
    if (baton === undefined) {
      const stream = new SqlStream(context, writable);
      streams.add(stream);
      return stream;
    }
    const found = waiting.get(baton);
    if (found === undefined || found.stream.writable !== writable) {
      throw new Refusal(400, "STREAM_EXPIRED", "the baton is not known: its stream has ended or timed out");
    }
    waiting.delete(baton);
    clearTimeout(found.timer);
    return found.stream;
  };
  const end = async (stream: SqlStream): Promise<void> => {
    streams.delete(stream);
    await stream.end();
  };
  const keep = (stream: SqlStream, baton: string = crypto.randomUUID()): string => {
    const timer = setTimeout(() => {
      waiting.delete(baton);
      void end(stream);
    }, streamIdleMs);
    waiting.set(baton, { stream, timer });
    return baton;
  };

  const pipeline = async (
    request: PipelineRequest,
    { writable, signal }: SqlCallOptions,
  ): Promise<PipelineAnswer> => {
    // A client may close what has ended by itself.
    if (request.baton !== undefined && !waiting.has(request.baton) && onlyCloses(request)) {
      return { baton: undefined, results: request.requests.map(() => CLOSED) };
    }
    const stream = take(request.baton, writable);
    try {
      const { results, closed, failed, worthKeeping } = await stream.pipeline(request, signal);
      // Who has no baton and met an error may never come back: nothing of it is left open.
      const goesOn = worthKeeping && !closed && !(failed && request.baton === undefined);
      if (goesOn && streams.has(stream)) return { baton: keep(stream), results };
      await end(stream);
      return { baton: undefined, results };
    } catch (error) {
      await end(stream);
      throw error;
    }
  };

  const cursor = async (
    request: CursorRequest,
    { writable, signal }: SqlCallOptions,
  ): Promise<CursorAnswer> => {
    const stream = take(request.baton, writable);
    const baton = stream.mayGoOn(request) ? crypto.randomUUID() : undefined;
    // Its first lines come before anything is answered, so that a wait in vain is still a status.
    const lines = stream.cursor(request, signal);
    let first: IteratorResult<string, void>;
    try {
      first = await lines.next();
    } catch (error) {
      await end(stream);
      throw error;
    }
    let finished = first.done === true;
    async function* all(): AsyncGenerator<string, void, undefined> {
      if (first.done === true) return;
      yield first.value;
      yield* lines;
      finished = true;
    }
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      if (finished && baton !== undefined && streams.has(stream)) keep(stream, baton);
      else await end(stream);
      await lines.return();
    };
    return { baton, lines: all(), close: () => (closing ??= close()) };
  };

  return {
    pipeline,
    cursor,
    get openStreams() {
      return streams.size;
    },
    close: async () => {
      if (closed) return;
      closed = true;
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
      await Promise.all([...streams].map(end));
      if (options.pool === undefined) pool.close();
    },
  };
}

const CLOSED = JSON.stringify({ type: "ok", response: { type: "close" } });

function onlyCloses({ requests }: PipelineRequest): boolean {
  return requests.length > 0 && requests.every(({ type }) => type === "close");
}
