import type { RemoteFile } from "./remote-file.ts";

/** Turns of the event loop without a new request after which nothing more is taken to be coming. */
const QUIET_TURNS = 30;

/**
 * How many round trips something takes: requests that are under way together count as one. All answers are held until no
 * further request comes, and are then let go at once.
 */
export async function countRoundTrips(remote: RemoteFile, run: () => Promise<unknown>): Promise<number> {
  let roundTrips = 0;
  let held: (() => void)[] = [];
  let quiet = 0;
  let over = false;
  remote.intercept = async (_, pass) => {
    const response = await pass();
    quiet = 0;
    await new Promise<void>((resolve) => held.push(resolve));
    return response;
  };
  const watch = (): void => {
    if (over) return;
    if (held.length > 0 && ++quiet > QUIET_TURNS) {
      roundTrips++;
      const released = held;
      held = [];
      quiet = 0;
      for (const release of released) release();
    }
    setImmediate(watch);
  };
  watch();
  try {
    await run();
  } finally {
    over = true;
    remote.intercept = undefined;
    for (const release of held) release();
  }
  return roundTrips;
}
