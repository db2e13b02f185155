import type { PageNo } from "./page-number.ts";

/**
 * What went wrong, in a word that stays the same from release to release.
 *
 * | code | meaning | worth trying again |
 * | --- | --- | --- |
 * | `CORRUPT_PAGE` | a page's bytes contradict the SQLite file format | no |
 * | `NOT_A_DATABASE` | what was opened is not a SQLite database | no |
 * | `UNSUPPORTED_DATABASE` | a valid database this component cannot serve, such as UTF-16 under SQL | no |
 * | `REVISION_CHANGED` | the remote no longer serves the revision that was asked for | yes, the replica re-pins |
 * | `SHORT_READ` | fewer or more bytes than asked for | yes |
 * | `NETWORK` | the remote could not be reached, or the connection broke | yes |
 * | `TIMEOUT` | the remote did not answer in time | yes |
 * | `UNAUTHORIZED` | the remote refused the credentials (401, 403) | with others |
 * | `HTTP_STATUS` | an HTTP status that is not a success and has no code of its own | it depends on the status |
 * | `RANGE_UNSUPPORTED` | a static host answers a range request with something else than that range | no |
 * | `PROTOCOL` | an answer that breaks the protocol: a wrong length, a page nobody asked for, garbage | no |
 * | `NOT_SUPPORTED` | the remote does not offer what was asked for | no |
 * | `OFFLINE` | a page is not resident and there is no remote to fetch it from | once there is |
 * | `NOT_A_REPLICA` | the path holds a file that is not a replica; it is left alone | no |
 * | `REPLICA_CORRUPT` | a replica's own bookkeeping cannot be read | no |
 * | `LOCKED` | another process, or another handle of this one, owns the path | later |
 * | `OWNER_GONE` | the tab that ran the call for this one is gone, or silent for too long: a write may or may not have happened | after a look at the data |
 * | `STORAGE` | the local storage failed: an I/O error, missing permission | it depends on the cause |
 * | `STORAGE_FULL` | the local storage is full | once there is room |
 * | `INVALID_OPTION` | an option or argument is unknown, contradictory or out of range | no |
 * | `BUSY` | the operation cannot run while another one is going on | later |
 * | `CLOSED` | the object was closed | no |
 * | `BUDGET` | a query would cost more than its budget allows | with a larger one |
 * | `PUSH_REJECTED` | the remote refused a local change; nothing of its transaction was taken | once one of both has changed |
 * | `PULL_CONFLICT` | a local change cannot be repeated over what the remote has; nothing was taken | once one of both has changed |
 * | `SQL` | SQLite refused a statement; see `SqlError` for its own code | no |
 */
export type LacunaErrorCode =
  | "CORRUPT_PAGE"
  | "NOT_A_DATABASE"
  | "UNSUPPORTED_DATABASE"
  | "REVISION_CHANGED"
  | "SHORT_READ"
  | "NETWORK"
  | "TIMEOUT"
  | "UNAUTHORIZED"
  | "HTTP_STATUS"
  | "RANGE_UNSUPPORTED"
  | "PROTOCOL"
  | "NOT_SUPPORTED"
  | "OFFLINE"
  | "NOT_A_REPLICA"
  | "REPLICA_CORRUPT"
  | "LOCKED"
  | "OWNER_GONE"
  | "STORAGE"
  | "STORAGE_FULL"
  | "INVALID_OPTION"
  | "BUSY"
  | "CLOSED"
  | "BUDGET"
  | "PUSH_REJECTED"
  | "PULL_CONFLICT"
  | "SQL";

/** The facts of an error, for programs. Each is absent where it does not apply. */
export interface ErrorFacts {
  /** The page concerned. */
  readonly page?: PageNo | undefined;
  /** Byte offset inside that page, or inside the file where there is no page. */
  readonly offset?: number | undefined;
  /** The HTTP status that was answered. */
  readonly status?: number | undefined;
  /** Where the remote is, without credentials. */
  readonly url?: string | undefined;
  /** The local path concerned. */
  readonly path?: string | undefined;
  readonly cause?: unknown;
}

/** Every failure that Lacuna itself reports. The code is stable; the message is not. */
export class LacunaError extends Error {
  override readonly name: string = "LacunaError";
  readonly code: LacunaErrorCode;
  readonly page: PageNo | undefined;
  readonly offset: number | undefined;
  readonly status: number | undefined;
  readonly url: string | undefined;
  readonly path: string | undefined;

  /** @param message what was expected and what was found; the page is put in front of it */
  constructor(code: LacunaErrorCode, message: string, facts: ErrorFacts = {}) {
    const where = facts.page === undefined ? "" : `page ${facts.page}: `;
    super(where + message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.page = facts.page;
    this.offset = facts.offset;
    this.status = facts.status;
    this.url = facts.url;
    this.path = facts.path;
  }
}

/**
 * True for a `LacunaError`, also one made by another installed copy of this package.
 * With `code`, true only for an error of that code.
 */
export function isLacunaError(value: unknown, code?: LacunaErrorCode): value is LacunaError {
  if (!(value instanceof Error) || !("code" in value) || typeof value.code !== "string") return false;
  if (!(value instanceof LacunaError) && value.name !== "LacunaError") return false;
  return code === undefined || value.code === code;
}

/** The error of an object used after `close()`. */
export function closedError(what: string): LacunaError {
  return new LacunaError("CLOSED", `${what} is closed`);
}
