/** How long SQLite may compute, in milliseconds, before other events get a chance. */
export const SLICE_MILLISECONDS = 20;

/** Lets the runtime handle what is waiting: timers, network, input. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
