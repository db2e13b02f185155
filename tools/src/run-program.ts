import { spawn } from "node:child_process";

export interface ProgramOptions {
  readonly cwd: string;
  /** On top of the environment of this program. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** @default 120000 */
  readonly timeoutMs?: number | undefined;
}

/**
 * Runs a program to its end.
 * @returns what it wrote to stdout
 * @throws {Error} with all that it wrote if it fails, or takes too long
 */
export function runProgram(
  command: string,
  args: readonly string[],
  { cwd, env, timeoutMs = 120_000 }: ProgramOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
    });
    let [output, all] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      all += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      all += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else {
        const end =
          signal === null ? `ended with ${code}` : `was ended by ${signal} (after ${timeoutMs} ms at most)`;
        reject(new Error(`${[command, ...args].join(" ")} ${end}:\n${all}`));
      }
    });
  });
}
