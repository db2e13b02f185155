import { surroundings } from "./surroundings.ts";

/** Runs an example and gives what it printed: the arguments of each call. */
export async function printed(run: () => Promise<unknown>): Promise<unknown[][]> {
  const lines: unknown[][] = [];
  const { log } = console;
  console.log = (...line: unknown[]) => void lines.push(line);
  const { directory = "examples" } = surroundings();
  // A path is new for each example.
  Reflect.set(
    globalThis,
    "lacunaPath",
    (name: string) => `${directory}/${Math.random().toString(36).slice(2)}-${name}`,
  );
  try {
    await run();
  } finally {
    console.log = log;
  }
  return lines;
}
