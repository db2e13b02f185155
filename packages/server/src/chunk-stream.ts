import { LacunaError } from "@lacuna/page";
import type { ChunkSource } from "./chunk-source.ts";

const STALL_TIMEOUT_MS = 60_000;

/** A body as a standard stream. It is closed at its end, on failure, when the receiver leaves or is aborted, and when it stalls. */
export function chunkStream(
  source: ChunkSource,
  signal: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { stallTimeoutMs = STALL_TIMEOUT_MS } = source;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort = (): void => {};
  let finished = false;
  const finish = async (reason?: unknown): Promise<void> => {
    finished = true;
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    await source.close(reason);
  };
  const expectPull = (controller: ReadableStreamDefaultController): void => {
    timer = setTimeout(() => {
      const error = stalled(stallTimeoutMs);
      controller.error(error);
      void finish(error);
    }, stallTimeoutMs);
  };
  return new ReadableStream(
    {
      start(controller) {
        onAbort = () => {
          controller.error(signal.reason);
          void finish();
        };
        if (signal.aborted) return onAbort();
        signal.addEventListener("abort", onAbort, { once: true });
        expectPull(controller);
      },
      async pull(controller) {
        clearTimeout(timer);
        try {
          const chunk = await source.next();
          if (finished) return;
          if (chunk === undefined) {
            await finish();
            controller.close();
            return;
          }
          controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
          expectPull(controller);
        } catch (error) {
          await finish();
          throw error;
        }
      },
      cancel: () => finish(),
    },
    { highWaterMark: 0 },
  );
}

/** What a body ends with whose receiver takes nothing. */
export function stalled(timeoutMs: number): LacunaError {
  return new LacunaError("TIMEOUT", `the receiver took nothing for ${timeoutMs} ms`);
}
