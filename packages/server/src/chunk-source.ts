/** A body piece by piece, made as fast as it is taken. */
export interface ChunkSource {
  /** How long its receiver may take nothing, in milliseconds; `undefined` leaves that to whoever sends it. */
  readonly stallTimeoutMs: number | undefined;
  /**
   * The next piece. One call at a time. After the end, and after a failure, the source is closed.
   * @returns `undefined` at the end
   */
  next(): Promise<Uint8Array | undefined>;
  /**
   * Gives the rest up. Harmless after the end.
   * @param reason why, if whoever runs the server should hear of it
   */
  close(reason?: unknown): Promise<void>;
}

/** A stream as such a source. */
export function chunksOf(stream: ReadableStream<Uint8Array>): ChunkSource {
  const reader = stream.getReader();
  return {
    stallTimeoutMs: undefined,
    next: async () => {
      const { value } = await reader.read();
      return value;
    },
    close: async (reason) => {
      // A stream that has failed cannot be cancelled either; whoever read from it knows.
      await reader.cancel(reason).catch(() => {});
    },
  };
}

export interface MadeChunksOptions {
  /** Makes the next piece; `undefined` at the end. */
  readonly make: () => Promise<Uint8Array | undefined>;
  readonly stallTimeoutMs: number;
  /** Hears of what broke the body off, when no status can tell of it any more. */
  readonly onFailure: (error: unknown) => void;
  /** Called once, however it ends; before the receiver sees the end. */
  readonly onEnd: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** What is made on demand as such a source. That a receiver is gone is no failure. */
export function madeChunks(options: MadeChunksOptions): ChunkSource {
  const { make, stallTimeoutMs, onFailure, onEnd, signal } = options;
  let ended: Promise<void> | undefined;
  const end = (): Promise<void> => (ended ??= onEnd().catch(onFailure));
  return {
    stallTimeoutMs,
    next: async () => {
      if (ended !== undefined) return undefined;
      try {
        const piece = await make();
        if (piece !== undefined) return piece;
      } catch (error) {
        if (!signal.aborted && ended === undefined) onFailure(error);
        await end();
        throw error;
      }
      await end();
      return undefined;
    },
    close: async (reason) => {
      if (ended !== undefined) return ended;
      if (reason !== undefined) onFailure(reason);
      await end();
    },
  };
}
