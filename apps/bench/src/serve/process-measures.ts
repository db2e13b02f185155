import type { ChildProcess } from "node:child_process";
import { getHeapSpaceStatistics } from "node:v8";
import { nextMessage } from "../child-process.ts";

/** Where a server is, and what it serves. */
export interface Served {
  readonly port: number;
  readonly revision: string;
}

/** What a server process has taken until now. */
export interface Measures {
  /** The resident set, in mebibytes. */
  readonly rssMib: number;
  /** Of it the young generation of V8, which becomes larger and smaller as garbage comes fast or slowly: nothing kept stays in it. */
  readonly youngMib: number;
  /** Of all processors, in microseconds. */
  readonly cpuMicroseconds: number;
}

/** In the server process: tells the parent where it is, what it has taken whenever it is asked, and ends with the parent. */
export function answerMeasures(served: Served): void {
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    const measures: Measures = {
      rssMib: process.memoryUsage.rss() / 2 ** 20,
      youngMib: youngBytes() / 2 ** 20,
      cpuMicroseconds: user + system,
    };
    process.send?.(measures);
  });
  process.once("disconnect", () => process.exit());
  process.send?.(served);
}

function youngBytes(): number {
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
  if (young === undefined) throw new Error("BUG: V8 has no space named new_space");
  return young.physical_space_size;
}

export function servedBy(child: ChildProcess): Promise<Served> {
  return nextMessage<Served>(child);
}

export function measuresOf(child: ChildProcess): Promise<Measures> {
  child.send("measures");
  return nextMessage<Measures>(child);
}
