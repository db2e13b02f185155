/** An error with a code as POSIX names it, as the stores expect of a file system. */
export interface PosixError extends Error {
  readonly code: string;
}

export function posixError(code: string, message: string, cause?: unknown): PosixError {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
}

/** True for an error that has a POSIX code. A `DOMException` has a number there. */
export function isPosixError(error: unknown): error is PosixError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
