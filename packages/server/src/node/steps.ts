/** Work that does not wait for anything, and offers pauses. */
export type Steps<T> = Generator<void, T, void>;

/** Runs it to its end at once. */
export function runNow<T>(steps: Steps<T>): T {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
  }
}

/** How long other events may have to wait, in milliseconds. */
const SLICE_MS = 15;

/** Runs it to its end, with other events in between where it takes long. */
export async function runInPauses<T>(steps: Steps<T>): Promise<T> {
  for (let since = performance.now(); ; ) {
    const next = steps.next();
    if (next.done === true) return next.value;
    if (performance.now() - since < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    since = performance.now();
  }
}
