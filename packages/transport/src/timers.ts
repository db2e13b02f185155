/** The part of the clock that waits. Injected in tests. */
export interface Timers {
  /** Calls back once after `ms` milliseconds unless cleared. */
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** The timers of the runtime, looked up at each call. */
export const systemTimers: Timers = {
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as Parameters<typeof clearTimeout>[0]),
};

/** Longer waits overflow the timers of every runtime and would end at once. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Calls back once after `ms` milliseconds, or never where no timer counts so far: after 24 days.
 * @returns calls it off
 */
export function after(ms: number, callback: () => void, timers: Timers): () => void {
  const handle = ms > MAX_TIMER_MS ? undefined : timers.setTimeout(callback, ms);
  return () => {
    if (handle !== undefined) timers.clearTimeout(handle);
  };
}

/** @throws `signal.reason` at once when aborted */
export async function sleep(ms: number, signal?: AbortSignal, timers: Timers = systemTimers): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      timers.clearTimeout(handle);
      reject(signal?.reason);
    };
    const handle = timers.setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
