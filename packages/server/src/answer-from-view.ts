import { isLacunaError, type Revision } from "@lacuna/page";
import { Refusal } from "./json-answer.ts";
import type { ServedDatabase, ServedView } from "./served-database.ts";
import { type Chunks, viewStream } from "./view-stream.ts";

/** An answer before its body is made. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body; absent for none. */
  readonly chunks?: Chunks | undefined;
}

export interface AnswerContext {
  readonly database: ServedDatabase;
  /** Bytes of pages read at a time. */
  readonly chunkBytes: number;
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
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const view = await context.database.open({ signal: context.signal, revision });
    try {
      const { status, headers, chunks } = await plan(view);
      const body = chunks === undefined ? null : await viewStream(view, chunks, context);
      if (body === null) await view.close();
      return new Response(body, { status, headers });
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
