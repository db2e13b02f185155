import { spawn } from "node:child_process";
import type { Report } from "../anywhere/vitest.ts";
import type { Surroundings } from "../suites/surroundings.ts";

/**
 * Runs the bundle with a program and reads its report.
 * @throws if the program could not be started or ended without a report
 */
export async function runProgram(
  command: string,
  given: readonly string[],
  surroundings: Surroundings,
): Promise<Report> {
  const child = spawn(command, [...given, JSON.stringify(surroundings)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let errors = "";
  child.stdout.on("data", (data: Buffer) => (out += data));
  child.stderr.on("data", (data: Buffer) => (errors += data));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const line = out.trimEnd().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(
      `${command} ended with ${code} and no report: ${errors.slice(-2000) || out.slice(-2000)}`,
    );
  }
}
