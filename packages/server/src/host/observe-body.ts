import type { Reply } from "../reply.ts";

/** What became of a body. */
export interface BodyOutcome {
  /** Bytes handed over. */
  readonly bytes: number;
  /** False if it broke off, or the receiver left. */
  readonly whole: boolean;
}

/** The same reply, and what became of its body once it has ended. One that is absent or in memory has ended already. */
export function observeBody(reply: Reply, onEnd: (outcome: BodyOutcome) => void): Reply {
  const { body } = reply;
  if (body === null || body instanceof Uint8Array) {
    onEnd({ bytes: body?.length ?? 0, whole: true });
    return reply;
  }
  let bytes = 0;
  let ended = false;
  const end = (whole: boolean): void => {
    if (ended) return;
    ended = true;
    onEnd({ bytes, whole });
  };
  return {
    ...reply,
    body: {
      stallTimeoutMs: body.stallTimeoutMs,
      next: async () => {
        try {
          const chunk = await body.next();
          if (chunk === undefined) end(true);
          else bytes += chunk.length;
          return chunk;
        } catch (error) {
          end(false);
          throw error;
        }
      },
      close: async (reason) => {
        end(false);
        await body.close(reason);
      },
    },
  };
}
