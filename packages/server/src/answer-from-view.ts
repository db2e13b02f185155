import { isLacunaError, type Revision } from "@lacuna/page";
import type { Buffers } from "./buffers.ts";
import { type ChunkSource, madeChunks } from "./chunk-source.ts";
import { Refusal } from "./json-answer.ts";
import type { Reply } from "./reply.ts";
import type { ServedDatabase, ServedView } from "./served-database.ts";

/** Each piece is begun when the one before is done, and the next is asked for. */
export type Chunks = Generator<Promise<Uint8Array<ArrayBuffer>>, void, undefined>;

/** An answer before its body is made. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Absent for none. */
  readonly body?: { readonly bytes: number; readonly chunks: Chunks } | undefined;
}

export interface AnswerContext {
  readonly database: ServedDatabase;
  /** Bytes of pages read at a time. */
  readonly chunkBytes: number;
  readonly buffers: Buffers;
  readonly signal: AbortSignal;
  readonly stallTimeoutMs: number;
  readonly onFailure: (error: unknown) => void;
}

const ATTEMPTS = 5;

/**
 * Answers from the newest state, from a newer one if that is replaced before the first bytes were read; or from the state of
 * a revision, or not at all.
 */
export async function answerFromView(
  context: AnswerContext,
  plan: (view: ServedView) => Answer | Promise<Answer>,
  revision?: Revision,
): Promise<Reply> {
  for (let attempt = 1; ; attempt++) {
    const view = await context.database.open({ signal: context.signal, revision });
    try {
      return await replyFrom(view, await plan(view), context);
    } catch (error) {
      await view.close();
      if (!isLacunaError(error, "REVISION_CHANGED") || revision !== undefined) throw error;
      if (attempt === ATTEMPTS) {
        const message = "the database changes faster than it can be read";
        throw new Refusal(503, "BUSY", message, { "retry-after": "1" });
      }
    }
  }
}

/** The first piece is made before this resolves, so that what goes wrong with it can still be answered properly. */
async function replyFrom(view: ServedView, answer: Answer, context: AnswerContext): Promise<Reply> {
  const { status, headers, body } = answer;
  if (body === undefined) {
    await view.close();
    return { status, headers, body: null };
  }
  const { chunks, bytes } = body;
  const make = async (): Promise<Uint8Array<ArrayBuffer> | undefined> =>
    (await chunks.next().value) ?? undefined;
  const first = await make();
  context.signal.throwIfAborted();
  const described = { ...headers, "content-length": String(bytes) };
  if (first?.length === bytes) {
    await view.close();
    return { status, headers: described, body: first };
  }
  const rest = madeChunks({ ...context, make, onEnd: () => view.close() });
  return { status, headers: described, body: first === undefined ? rest : startingWith(first, rest) };
}

function startingWith(first: Uint8Array, rest: ChunkSource): ChunkSource {
  let given = false;
  return {
    ...rest,
    next: async () => {
      if (given) return rest.next();
      given = true;
      return first;
    },
  };
}
