/** Work that does not wait for anything, and offers pauses. */
export type Steps<T> = Generator<void, T, void>;

/** Runs it to its end at once. */
export function runNow<T>(steps: Steps<T>): T {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
  }
}

/** Runs it with other events between its steps. */
export async function runInPauses<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
