/** Turns of the event loop without anything new after which the process counts as waiting for the network. */
const IDLE_TURNS = 6;

/** What an event did. After `inside` nobody outside the simulation can have noticed, so nobody needs time to react. */
export type EventEffect = "inside" | "outside";

interface TimedEvent {
  readonly timeMs: number;
  readonly run: () => EventEffect;
}

/**
 * A clock that stands still while anything is being computed and jumps to the next event when the process has nothing
 * left to do but wait. What costs processor time costs no virtual time.
 *
 * "Nothing left to do" means: no work given to `hold` is under way, no file operation of Node is pending, nobody who
 * computes has only let others have a turn, and several turns of the event loop have passed since the last event. Timers
 * of the process are not looked at: they belong to real time.
 */
export class VirtualClock {
  readonly #events: TimedEvent[] = [];
  #nowMs = 0;
  #held = 0;
  #activity = 0;
  #running = false;

  /** Virtual milliseconds since the clock was made. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs `event` at a virtual time, at the earliest now. Events of one time run in the order they were given. */
  at(timeMs: number, run: () => EventEffect): void {
    this.#activity++;
    insertInOrder(this.#events, { timeMs: Math.max(timeMs, this.#nowMs), run });
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  /** The clock stands still until `work` is settled. */
  async hold<T>(work: Promise<T>): Promise<T> {
    this.#held++;
    this.#activity++;
    try {
      return await work;
    } finally {
      this.#held--;
      this.#activity++;
    }
  }

  async #run(): Promise<void> {
    let effect: EventEffect = "outside";
    while (this.#events.length > 0) {
      if (effect === "outside" || this.#held > 0) await this.#idle();
      const event = this.#events.shift();
      if (event === undefined) break;
      this.#nowMs = event.timeMs;
      effect = event.run();
    }
    this.#running = false;
  }

  async #idle(): Promise<void> {
    let activity = this.#activity;
    for (let turns = 0; turns < IDLE_TURNS; turns++) {
      await clockTurn();
      if (this.#held === 0 && this.#activity === activity && !isBusy()) continue;
      activity = this.#activity;
      turns = -1;
    }
  }
}

/** What Node calls a pending file operation: callbacks, promises, and the closing of a handle. */
const FILE_WORK = new Set(["FSReqCallback", "FSReqPromise", "CloseReq"]);

/** Turns asked for by clocks. */
let clockTurns = 0;

async function clockTurn(): Promise<void> {
  clockTurns++;
  await new Promise((resolve) => setImmediate(resolve));
  clockTurns--;
}

/** Files are busy, or somebody has asked for another turn: long computations are cut into turns. */
function isBusy(): boolean {
  let turns = 0;
  for (const resource of process.getActiveResourcesInfo()) {
    if (FILE_WORK.has(resource)) return true;
    if (resource === "Immediate") turns++;
  }
  return turns > clockTurns;
}

function insertInOrder(events: TimedEvent[], event: TimedEvent): void {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.timeMs ?? Number.POSITIVE_INFINITY) <= event.timeMs) low = middle + 1;
    else high = middle;
  }
  events.splice(low, 0, event);
}
