import type { BigIntStats } from "node:fs";
import { isPageSize, type Revision, revision } from "@lacuna/page";
import type { FileShape } from "../file-shape.ts";

/**
 * The revision of a file. The page size comes first: a fetch must know it, also of a replica that was opened by an
 * earlier program.
 * @param journalKey the state of the hot journal beside it, if there is one
 */
export function fileRevision(
  { ino, size, mtimeNs }: BigIntStats,
  { pageSize, changeCounter }: FileShape,
  journalKey: string | undefined,
): Revision {
  const file = `${pageSize}-${size}-${mtimeNs}-${ino}-${changeCounter}`;
  return revision(journalKey === undefined ? file : `${file}-journal-${journalKey}`);
}

/** @returns `undefined` if the revision is not one of a file */
export function pageSizeOf(value: Revision): number | undefined {
  const match = /^(\d+)-\d+-\d+-\d+-\d+(-journal-[\da-f-]+)?$/.exec(value);
  const pageSize = Number(match?.[1]);
  return isPageSize(pageSize) ? pageSize : undefined;
}
