import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { constants, deflateRaw } from "node:zlib";
import { type AbortOptions, LacunaError, type PageNo, pageNo, rangesInOrder } from "@lacuna/page";
import {
  encodeManifest,
  encodeSegmentTable,
  encodeStructure,
  hexDigest,
  MANIFEST_NAME,
  MAX_SEGMENT_BYTES,
  type PublishedSegment,
  pagesOfSegment,
  type StructureFile,
  sealManifest,
  segmentName,
  structureName,
} from "@lacuna/protocol/published";
import type { PublishSource } from "./publish-source.ts";
import { structurePages } from "./structure-pages.ts";

export interface PublishOptions extends AbortOptions {
  /**
   * Bytes of the database in one segment, rounded down to whole pages, at least one, at most 16 MiB. Readers do best when it
   * is the size of their own segments.
   * @default 131072
   */
  readonly segmentBytes?: number | undefined;
  /**
   * How many bytes of pages may come along with opening besides the prefix: those on the way to rows. Where they are more,
   * those nearest to the leaves are left out.
   * @default 4194304
   */
  readonly structureBytes?: number | undefined;
  /**
   * The pages that start in so many bytes at the beginning of the database come along with opening too.
   * @default 131072
   */
  readonly prefixBytes?: number | undefined;
}

/** One file of a published directory. */
export interface PublishedFile {
  /** Its path below the directory, with slashes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What was published. */
export interface Snapshot {
  readonly structure: StructureFile;
  /** The names of its segments. */
  readonly segments: ReadonlySet<string>;
}

const deflate = promisify<Uint8Array, object, Buffer>(deflateRaw);

/**
 * Makes the files of a published directory in the order in which they must be put there: segments, the structure file, and
 * the manifest last. All but the manifest are named by what they hold, so that what did not change since the last time
 * has its old name. The same database gives the same files.
 * @returns what was published, when the iteration ends
 * @throws {LacunaError} what the source throws, `CORRUPT_PAGE`, `NOT_A_DATABASE`, `INVALID_OPTION`
 */
export async function* publishedFiles(
  source: PublishSource,
  options: PublishOptions = {},
): AsyncGenerator<PublishedFile, Snapshot, undefined> {
  const { segmentBytes = 131_072, structureBytes = 4_194_304, prefixBytes = 131_072, signal } = options;
  for (const [name, value] of Object.entries({ segmentBytes, structureBytes, prefixBytes })) {
    if (Number.isInteger(value) && value >= 0 && value <= MAX_SEGMENT_BYTES) continue;
    throw new LacunaError(
      "INVALID_OPTION",
      `${name} must be an integer from 0 to ${MAX_SEGMENT_BYTES}, got ${value}`,
    );
  }
  const { pageSize, pageCount } = source;
  const segmentPages = Math.max(1, Math.floor(segmentBytes / pageSize));
  const held = await heldPages(source, { structureBytes, prefixBytes, signal });
  const segments: PublishedSegment[] = [];
  const names = new Set<string>();
  for (let run = 0; run * segmentPages < pageCount; run++) {
    signal?.throwIfAborted();
    const wanted = pagesOfSegment(run, { pageCount, segmentPages, pages: held });
    if (wanted.length === 0) {
      segments.push({ storedBytes: 0, sha256: new Uint8Array(32) });
      continue;
    }
    const bytes = await deflated(await source.read(rangesInOrder(wanted), { signal }));
    const sha256 = digest(bytes);
    const name = segmentName(hexDigest(sha256));
    segments.push({ storedBytes: bytes.length, sha256 });
    names.add(name);
    yield { name, bytes };
  }
  const pages = new Map<PageNo, Uint8Array>();
  const bytes = await source.read(rangesInOrder(held), { signal });
  for (const page of held) {
    pages.set(page, bytes.subarray(pages.size * pageSize, (pages.size + 1) * pageSize));
  }
  const segmentTable = encodeSegmentTable(segments);
  const inflated = encodeStructure({ pageSize, pageCount, segmentPages, segmentTable, pages });
  const stored = await deflated(inflated);
  const structure = {
    sha256: hexDigest(digest(stored)),
    storedBytes: stored.length,
    inflatedBytes: inflated.length,
  };
  yield { name: structureName(structure.sha256), bytes: stored };
  const manifest = encodeManifest({ pageSize, pageCount, structure });
  yield { name: MANIFEST_NAME, bytes: sealManifest(manifest, hexDigest(digest(manifest))) };
  return { structure, segments: names };
}

/** The pages that come along with opening, ascending. */
async function heldPages(
  source: PublishSource,
  {
    structureBytes,
    prefixBytes,
    signal,
  }: { structureBytes: number; prefixBytes: number; signal: AbortSignal | undefined },
): Promise<Set<PageNo>> {
  const { pageSize, pageCount } = source;
  const held = new Set(await structurePages(source, Math.floor(structureBytes / pageSize), { signal }));
  const prefixPages = Math.min(pageCount, Math.ceil(prefixBytes / pageSize));
  for (let page = 1; page <= prefixPages; page++) held.add(pageNo(page));
  return new Set([...held].sort((a, b) => a - b));
}

const deflated = (bytes: Uint8Array): Promise<Uint8Array> =>
  deflate(bytes, { level: constants.Z_BEST_COMPRESSION, memLevel: constants.Z_MAX_MEMLEVEL });

const digest = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
