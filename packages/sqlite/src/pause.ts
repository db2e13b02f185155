/** Lets the runtime handle what is waiting: timers, network, input. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

/**
 * The pause before a statement is run again whose missing page has come: as long as the attempt took that found it
 * missing, so that pages on the way with that one are here too. However many there are and however long an attempt gets,
 * running again then takes about as long as waiting does. Ends early when the signal aborts.
 */
export function pauseAfterAttempt(attemptMilliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, attemptMilliseconds);
    signal.addEventListener("abort", end, { once: true });
  });
}
