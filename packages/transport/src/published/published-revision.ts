import { isPageSize, type Revision, revision } from "@lacuna/page";
import { MAX_STRUCTURE_BYTES, type Manifest } from "@lacuna/protocol/published";

/** A revision says all that the manifest does: the snapshot can be found and checked by it alone. */
export function revisionOf({ pageSize, pageCount, structure }: Manifest): Revision {
  const { sha256, storedBytes, inflatedBytes } = structure;
  return revision(`${sha256}-${storedBytes}-${inflatedBytes}-${pageSize}-${pageCount}`);
}

/** @returns `undefined` if the revision is not one of a published database */
export function manifestOf(value: Revision): Manifest | undefined {
  const [, sha256, ...words] = /^([\da-f]{64})-(\d+)-(\d+)-(\d+)-(\d+)$/.exec(value) ?? [];
  const [storedBytes = 0, inflatedBytes = 0, pageSize = 0, pageCount = 0] = words.map(Number);
  if (sha256 === undefined || Math.max(storedBytes, inflatedBytes) > MAX_STRUCTURE_BYTES) return undefined;
  if (!isPageSize(pageSize)) return undefined;
  return { pageSize, pageCount, structure: { sha256, storedBytes, inflatedBytes } };
}
