/**
 * Runs `work` while `performance.now()` of this process tells the given time. Programs look at it to let other things happen
 * after so many milliseconds of computing; on virtual time, where computing takes none, they do what they do on any machine.
 * One at a time.
 */
export async function withProcessClock<T>(nowMs: () => number, work: () => Promise<T>): Promise<T> {
  const { now } = performance;
  performance.now = nowMs;
  try {
    return await work();
  } finally {
    performance.now = now;
  }
}
