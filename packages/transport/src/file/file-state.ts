import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { DATABASE_HEADER_BYTES } from "@lacuna/btree";
import { isPageSize, type Revision, revision } from "@lacuna/page";
import { type FileShape, shapeOfFile } from "../file-shape.ts";

/** A database file at one moment. */
export interface FileState extends FileShape {
  readonly revision: Revision;
}

/**
 * What the file is now.
 * @throws {LacunaError} `NOT_A_DATABASE`, `CORRUPT_PAGE`
 */
export async function stateOf(file: FileHandle): Promise<FileState> {
  const stats = await file.stat({ bigint: true });
  const head = new Uint8Array(DATABASE_HEADER_BYTES);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  const shape = shapeOfFile(head.subarray(0, bytesRead), Number(stats.size));
  return { ...shape, revision: revisionOf(stats, shape) };
}

/** The page size comes first: a fetch must know it, also of a replica that was opened by an earlier program. */
function revisionOf({ ino, size, mtimeNs }: BigIntStats, { pageSize, changeCounter }: FileShape): Revision {
  return revision(`${pageSize}-${size}-${mtimeNs}-${ino}-${changeCounter}`);
}

/** @returns `undefined` if the revision is not one of a file */
export function pageSizeOf(value: Revision): number | undefined {
  const match = /^(\d+)-\d+-\d+-\d+-\d+$/.exec(value);
  const pageSize = Number(match?.[1]);
  return isPageSize(pageSize) ? pageSize : undefined;
}
