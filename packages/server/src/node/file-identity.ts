import { fstatSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

/** What tells a file from another one that comes to lie at the same path. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

export function identityOf({ fd }: FileHandle): FileIdentity {
  const { dev, ino } = fstatSync(fd);
  return { dev, ino };
}

/** Whether a path leads to the file. At once: it is asked before each answer, and to wait for another thread takes longer. */
export function isFileAt(path: string, { dev, ino }: FileIdentity): boolean {
  const found = statSync(path);
  return found.dev === dev && found.ino === ino;
}
