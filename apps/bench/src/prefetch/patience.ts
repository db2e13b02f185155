import { readFileSync } from "node:fs";

/** How long a process may take. */
export interface Patience {
  /** Seconds of processor time, where the system tells them (Linux), so that a busy machine makes no difference. */
  readonly processorSeconds: number;
  /** Seconds of real time: for processes that wait, and where processor time is not known. */
  readonly seconds: number;
}

/** The kernel counts in hundredths of a second for programs. */
const TICKS_PER_SECOND = 100;

/** Processor time of a process since it was started; `undefined` where the system does not tell, or there is none. */
export function processorSeconds(pid: number | undefined): number | undefined {
  if (process.platform !== "linux" || pid === undefined) return undefined;
  try {
    // The name of the program comes second, in parentheses, and may hold anything.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/**
 * Calls `late` with what was used up when the patience with a process is at its end.
 * @returns a function that ends it
 */
export function bePatient(
  pid: number | undefined,
  { processorSeconds: mostProcessor, seconds: most }: Patience,
  late: (what: string) => void,
): () => void {
  const began = performance.now();
  const before = processorSeconds(pid) ?? 0;
  const timer = setInterval(() => {
    if ((processorSeconds(pid) ?? 0) - before >= mostProcessor) late(`${mostProcessor} s of processor time`);
    else if (performance.now() - began >= most * 1000) late(`${most} s`);
  }, 500);
  return () => clearInterval(timer);
}
