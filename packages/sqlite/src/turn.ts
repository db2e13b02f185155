/** A turn that was taken. */
export interface TakenTurn {
  /** Lets the next one have its turn. Calling it again is harmless. */
  end(): void;
  /** Queues again at the end, after `end`. @throws `signal.reason` if aborted while waiting */
  takeAgain(signal?: AbortSignal): Promise<void>;
}

/** Lets callers have something one after the other, in the order they asked. */
export class Turn {
  #tail: Promise<void> | undefined;
  #load = 0;

  /** How many have it or wait for it. */
  get load(): number {
    return this.#load;
  }

  /** @throws `signal.reason` if aborted while waiting; the others keep their order */
  async take(signal?: AbortSignal): Promise<TakenTurn> {
    let end = await this.#take(signal);
    return {
      end: () => end(),
      takeAgain: async (again) => {
        end = await this.#take(again);
      },
    };
  }

  async #take(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    const before = this.#tail;
    let resolve = (): void => {};
    const mine = new Promise<void>((done) => {
      resolve = done;
    });
    const tail = before === undefined ? mine : before.then(() => mine);
    this.#tail = tail;
    this.#load++;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      this.#load--;
      if (this.#tail === tail) this.#tail = undefined;
      resolve();
    };
    if (before === undefined) return end;
    try {
      await settledOrAborted(before, signal);
      return end;
    } catch (reason) {
      // Its place stays in the queue until it would have been its turn: the next one must not come before that.
      void before.then(end);
      throw reason;
    }
  }
}

/** Waits for `work` no longer than until `signal` aborts. The work itself goes on. */
export async function settledOrAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
