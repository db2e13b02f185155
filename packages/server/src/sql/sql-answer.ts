import { decodeCursorRequest, decodePipelineRequest } from "@lacuna/protocol";
import type { Asked } from "../asked.ts";
import { madeChunks } from "../chunk-source.ts";
import { Refusal } from "../json-answer.ts";
import type { Reply } from "../reply.ts";
import type { ServedSql, SqlCallOptions } from "./served-sql.ts";

export interface SqlAnswerContext extends SqlCallOptions {
  readonly sql: ServedSql;
  readonly maxBodyBytes: number;
  readonly stallTimeoutMs: number;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Answers `POST /v2/pipeline` and `/v3/pipeline`.
 * @throws {Refusal} 400, 413
 * @throws {LacunaError} `PROTOCOL` if the body is malformed, `BUSY`
 */
export async function answerPipeline(request: Asked, context: SqlAnswerContext): Promise<Reply> {
  const pipeline = decodePipelineRequest(await readJson(request, context.maxBodyBytes));
  const { baton = null, results } = await context.sql.pipeline(pipeline, context);
  async function* body(): AsyncGenerator<string, void, undefined> {
    yield `{"baton":${JSON.stringify(baton)},"base_url":null,"results":[`;
    for (const [i, result] of results.entries()) yield i === 0 ? result : `,${result}`;
    yield "]}\n";
  }
  return streamed(body(), "application/json", context);
}

/**
 * Answers `POST /v3/cursor`: one JSON value to a line.
 * @throws {Refusal} 400, 413
 * @throws {LacunaError} `PROTOCOL` if the body is malformed, `BUSY`
 */
export async function answerCursor(request: Asked, context: SqlAnswerContext): Promise<Reply> {
  const cursor = decodeCursorRequest(await readJson(request, context.maxBodyBytes));
  const answer = await context.sql.cursor(cursor, context);
  async function* body(): AsyncGenerator<string, void, undefined> {
    yield `${JSON.stringify({ baton: answer.baton ?? null, base_url: null })}\n`;
    yield* answer.lines;
  }
  return streamed(body(), "application/x-ndjson", context, () => answer.close());
}

function streamed(
  pieces: AsyncGenerator<string, void, undefined>,
  type: string,
  { signal, stallTimeoutMs, onFailure }: SqlAnswerContext,
  onEnd: () => Promise<void> = async () => {},
): Reply {
  const headers = { "content-type": type, "cache-control": "no-store" };
  const utf8 = new TextEncoder();
  const make = async (): Promise<Uint8Array | undefined> => {
    const { value } = await pieces.next();
    return value === undefined ? undefined : utf8.encode(value);
  };
  const body = madeChunks({ make, signal, stallTimeoutMs, onFailure, onEnd });
  return { status: 200, headers, body };
}

async function readJson(request: Asked, maxBytes: number): Promise<unknown> {
  const body = await request.readBody(maxBytes);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new Refusal(400, "PROTOCOL", "the request body must be JSON in UTF-8");
  }
}
