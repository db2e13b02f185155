import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ChildOptions {
  readonly args?: readonly string[] | undefined;
  /** Of the runtime, besides those that every child gets. */
  readonly execArgv?: readonly string[] | undefined;
  /** Besides that of this process. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** Starts a module of this app as a process of its own, so that what it does is measured, or ended, apart. */
export function startProcess(
  module: URL,
  { args = [], execArgv = [], environment = {} }: ChildOptions = {},
): ChildProcess {
  return fork(fileURLToPath(module), [...args], {
    execArgv: ["--conditions=lacuna-source", "--no-warnings=ExperimentalWarning", ...execArgv],
    serialization: "advanced",
    env: { ...process.env, ...environment },
  });
}

/**
 * What the process says next.
 * @throws {Error} if it ends before it says anything
 */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const stop = new AbortController();
  const { signal } = stop;
  const ended = once(child, "exit", { signal }).then(([code, endedBy]) => {
    throw new Error(`${child.spawnargs.at(-1)} ended with ${endedBy ?? `code ${code}`} before it answered`);
  });
  ended.catch(() => {});
  try {
    const [message] = (await Promise.race([once(child, "message", { signal }), ended])) as [T];
    return message;
  } finally {
    stop.abort();
  }
}
