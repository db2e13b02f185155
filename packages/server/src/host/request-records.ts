import { directHandlerOf, handlerOf } from "../direct-handler.ts";
import type { Reply } from "../reply.ts";
import type { Handler } from "../sync-handler.ts";
import { observeBody } from "./observe-body.ts";

/** One request that was answered, or given up. */
export interface RequestRecord {
  /** When it came, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly method: string;
  /** The path as it came. */
  readonly path: string;
  readonly range: string | undefined;
  /** 0 if it was given up before there was an answer. */
  readonly status: number;
  /** Bytes of the body that were handed over. */
  readonly bytes: number;
  /** From its coming to the end of its body, in milliseconds. */
  readonly durationMs: number;
  /** True if the body did not come to its end. */
  readonly aborted: boolean;
}

/** The same handler, telling of each request once its answer has ended. */
export function withRequestRecords(handler: Handler, tell: (record: RequestRecord) => void): Handler {
  const direct = directHandlerOf(handler);
  return handlerOf(async (request) => {
    const timeMs = Date.now();
    const started = performance.now();
    const { method } = request;
    const path = new URL(request.url).pathname;
    const range = request.headers.get("range") ?? undefined;
    const record = (status: number, bytes: number, aborted: boolean): void => {
      tell({ timeMs, method, path, range, status, bytes, durationMs: performance.now() - started, aborted });
    };
    let reply: Reply;
    try {
      reply = await direct(request);
    } catch (error) {
      record(0, 0, true);
      throw error;
    }
    return observeBody(reply, ({ bytes, whole }) => record(reply.status, bytes, !whole));
  });
}
