import { LacunaError } from "@lacuna/page";

export interface TextStreamOptions {
  /** Ends the stream with the signal's reason. */
  readonly signal: AbortSignal;
  /** How long the receiver may take nothing, in milliseconds, before the stream is ended. */
  readonly stallTimeoutMs: number;
  /** Hears of what broke the stream off. */
  readonly onFailure: (error: unknown) => void;
  /** Called once, however it ends; before the receiver sees the end. */
  readonly onEnd: () => Promise<void>;
}

/** Text as a body, made as fast as it is taken. */
export function textStream(
  pieces: AsyncGenerator<string, void, undefined>,
  { signal, stallTimeoutMs, onFailure, onEnd }: TextStreamOptions,
): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort = (): void => {};
  let ended: Promise<void> | undefined;
  const finish = (): Promise<void> => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    ended ??= onEnd().catch(onFailure);
    return ended;
  };
  const expectPull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    timer = setTimeout(() => {
      const error = new LacunaError("TIMEOUT", `the receiver took nothing for ${stallTimeoutMs} ms`);
      onFailure(error);
      controller.error(error);
      void finish();
    }, stallTimeoutMs);
  };
  return new ReadableStream<Uint8Array>(
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
          const next = await pieces.next();
          if (signal.aborted) return;
          if (next.done === true) {
            await finish();
            controller.close();
            return;
          }
          controller.enqueue(utf8.encode(next.value));
          expectPull(controller);
        } catch (error) {
          if (!signal.aborted) onFailure(error);
          await finish();
          throw error;
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}
