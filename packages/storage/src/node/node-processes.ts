import { readFileSync } from "node:fs";
import type { Processes } from "../files/path-lock.ts";

/**
 * The processes of this machine as far as this one can see them. On Linux a process is told from a later one with the
 * same number by when it began and by the boot it began in; elsewhere the number has to do.
 */
export const nodeProcesses: Processes = {
  self: () => ({ pid: process.pid, started: startOf(process.pid) ?? "" }),
  isAlive({ pid, started }) {
    if (started !== "" && startOf(process.pid) !== undefined) return startOf(pid) === started;
    return answersSignals(pid);
  },
};

/** When a process began, in clock ticks since a boot that is named; `undefined` if it is gone or cannot be known. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name in parentheses and may hold anything; the state is the third, the start the 22nd.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, start] = [fields[0], fields[19]];
    return start === undefined || state === "Z" || state === "X" ? undefined : `${boot} ${start}`;
  } catch {
    return undefined;
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else refuses the signal, but it is there.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
