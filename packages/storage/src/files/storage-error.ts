import { LacunaError } from "@lacuna/page";
import { failedWith } from "./file-system.ts";

/**
 * Runs file operations so that what the file system throws arrives as `STORAGE` or `STORAGE_FULL`.
 * @param doing what is being tried, to follow "while"
 */
export async function fileWork<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw storageError(doing, path, cause);
  }
}

/** The error for something the file system threw. Errors of Lacuna stay as they are. */
export function storageError(doing: string, path: string, cause: unknown): LacunaError {
  if (cause instanceof LacunaError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const full = failedWith(cause, "ENOSPC", "EDQUOT");
  const what = full ? "no room is left" : "the file system failed";
  return new LacunaError(full ? "STORAGE_FULL" : "STORAGE", `${what} while ${doing} at ${path}: ${reason}`, {
    path,
    cause,
  });
}
