import { isPageSize, type Revision, revision } from "@lacuna/page";

/** What tells one state of a file on a static host from another, and what a fetch must know of it. */
export interface StaticRevision {
  readonly pageSize: number;
  /** Bytes of the file. */
  readonly length: number;
  readonly validators: Validators;
  /** From the database header; only where there is no strong `ETag`. */
  readonly changeCounter: number | undefined;
}

/** The validators of an answer. RFC 9110, "Validator Fields". */
export interface Validators {
  /** A strong `ETag` with its quotes. Where there is one, nothing else is needed. */
  readonly etag: string | undefined;
  readonly weakEtag: string | undefined;
  /** The date as the host writes it, only where there is no strong `ETag`, and where it is old enough to tell states apart. */
  readonly lastModified: string | undefined;
}

/** Dates count whole seconds: a file may be written again in the second that its date names. */
const YOUNG_MS = 2000;

export function validatorsOf(headers: Headers): Validators {
  const tag = headers.get("etag")?.trim() || undefined;
  // Without quotes it is no valid tag, but hosts send it, and it changes with the file.
  const strong = tag !== undefined && /^"[^"]*"$/.test(tag);
  if (strong) return { etag: tag, weakEtag: undefined, lastModified: undefined };
  const modified = headers.get("last-modified")?.trim() || undefined;
  const ageMs = Date.parse(headers.get("date") ?? "") - Date.parse(modified ?? "");
  return { etag: undefined, weakEtag: tag, lastModified: ageMs < YOUNG_MS ? undefined : modified };
}

/** True if an answer says of itself which state of the file it is from. */
export const canValidate = ({ etag, weakEtag, lastModified }: Validators): boolean =>
  (etag ?? weakEtag ?? lastModified) !== undefined;

/** Whether an answer is from the state that is expected. A date that was too young then says nothing now. */
export const sameValidators = (found: Validators, expected: Validators): boolean =>
  found.etag === expected.etag &&
  found.weakEtag === expected.weakEtag &&
  (expected.lastModified === undefined || found.lastModified === expected.lastModified);

export const describeValidators = ({ etag, weakEtag, lastModified }: Validators): string =>
  [etag ?? weakEtag, lastModified].filter((value) => value !== undefined).join(" of ") || "no validator";

/** Writes everything into the revision, so that a replica can go on fetching without asking for the shape again. */
export function writeRevision(state: StaticRevision): Revision {
  const { etag, weakEtag: weak, lastModified: modified } = state.validators;
  const { changeCounter: counter, length, pageSize: page } = state;
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries({ etag, weak, modified, counter, length, page })) {
    if (value !== undefined) fields.set(name, String(value));
  }
  return revision(fields.toString());
}

/** @returns `undefined` if the revision was not written by `writeRevision` */
export function readRevision(value: Revision): StaticRevision | undefined {
  const fields = new URLSearchParams(value);
  const pageSize = Number(fields.get("page"));
  const length = Number(fields.get("length") ?? "-1");
  if (!isPageSize(pageSize) || !Number.isSafeInteger(length) || length < 0) return undefined;
  const counter = fields.get("counter");
  return {
    pageSize,
    length,
    validators: {
      etag: fields.get("etag") ?? undefined,
      weakEtag: fields.get("weak") ?? undefined,
      lastModified: fields.get("modified") ?? undefined,
    },
    changeCounter: counter === null ? undefined : Number(counter),
  };
}
