import { isPosixError, type PosixError, posixError } from "../web/posix-error.ts";

/** What the origin private file system reports, by the names of `DOMException`. */
const CODES: Readonly<Record<string, string>> = {
  NotFoundError: "ENOENT",
  TypeMismatchError: "EISDIR",
  TypeError: "EINVAL",
  QuotaExceededError: "ENOSPC",
  NoModificationAllowedError: "EBUSY",
  NotAllowedError: "EACCES",
  SecurityError: "EACCES",
  InvalidStateError: "EBADF",
};

/** Gives it a POSIX code, with which stores can decide. */
export function opfsError(cause: unknown, path: string): PosixError {
  if (isPosixError(cause)) return cause;
  const name = cause instanceof Error ? cause.name : "";
  const reason = cause instanceof Error ? cause.message : String(cause);
  return posixError(CODES[name] ?? "EIO", `${path}: ${reason}`, cause);
}
