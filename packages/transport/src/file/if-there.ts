import { type FileHandle, open } from "node:fs/promises";

/** What is found in the file; `undefined` if there is none. */
export async function ifThere<T>(
  path: string,
  look: (file: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    return await look(file);
  } finally {
    await file.close();
  }
}

/** True for the error of a file that does not exist. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
