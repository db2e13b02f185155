import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { LacunaError } from "@lacuna/page";
import {
  decodeManifest,
  decodeStructure,
  decodeStructureFile,
  hexDigest,
  MANIFEST_NAME,
  openManifest,
  type StructureFile,
  segmentName,
  segmentOf,
  structureName,
} from "@lacuna/protocol/published";
import type { PublishSource } from "./publish-source.ts";
import { type PublishOptions, publishedFiles, type Snapshot } from "./published-files.ts";

export interface PublishDirectoryOptions extends PublishOptions {
  /**
   * How many older snapshots stay readable. The files that only older ones need are removed.
   * @default all
   */
  readonly keep?: number | undefined;
}

/** What publishing did to a directory. */
export interface PublishReport {
  /** SHA-256 of the structure file: tells this snapshot from any other. */
  readonly root: string;
  readonly pageCount: number;
  readonly pageSize: number;
  /** Segments of this snapshot, and all its files together. */
  readonly segments: number;
  readonly bytes: number;
  /** Files that were not there before, the manifest left out. */
  readonly writtenFiles: number;
  readonly writtenBytes: number;
  readonly removedFiles: number;
}

/** The publisher's own list of the snapshots in a directory, the newest first. Readers never ask for it. */
const SNAPSHOTS_NAME = "snapshots.json";
const FOLDERS = ["segments", "structure"];
const OWN_NAME = /^[\da-f]{64}\.bin(\.new)?$/;
const inflate = promisify<Uint8Array, object, Buffer>(inflateRaw);

/**
 * Publishes a database in a directory of this machine. Readers meanwhile find the snapshot before or this one, never
 * something between: the manifest is replaced when all it needs is there, and files are removed after that.
 * One publisher at a time.
 * @throws {LacunaError} as `publishedFiles`, and `STORAGE`
 */
export async function publishDirectory(
  source: PublishSource,
  directory: string,
  options: PublishDirectoryOptions = {},
): Promise<PublishReport> {
  const { keep, ...rest } = options;
  if (keep !== undefined && !(Number.isInteger(keep) && keep >= 0)) {
    throw new LacunaError("INVALID_OPTION", `keep must be an integer from 0, got ${keep}`);
  }
  const before = await stored(directory, () => readSnapshots(directory));
  const counts = { bytes: 0, writtenFiles: 0, writtenBytes: 0 };
  const files = publishedFiles(source, rest);
  let next = await files.next();
  for (; next.done !== true; next = await files.next()) {
    const { name, bytes } = next.value;
    counts.bytes += bytes.length;
    await stored(directory, async () => {
      if (name === MANIFEST_NAME) {
        for (const folder of FOLDERS) await syncFolder(join(directory, folder));
        await replaceFile(directory, name, bytes);
      } else if (!(await holds(directory, name, bytes))) {
        await replaceFile(directory, name, bytes);
        counts.writtenFiles++;
        counts.writtenBytes += bytes.length;
      }
    });
  }
  const { structure, segments } = next.value;
  const older = before.filter(({ sha256 }) => sha256 !== structure.sha256);
  const snapshots = [structure, ...older.slice(0, keep)];
  const removedFiles = await stored(directory, async () => {
    const list = new TextEncoder().encode(`${JSON.stringify(snapshots, undefined, 2)}\n`);
    await replaceFile(directory, SNAPSHOTS_NAME, list);
    return keep === undefined ? 0 : removeOthers(directory, next.value, snapshots.slice(1));
  });
  const { pageCount, pageSize } = source;
  return {
    root: structure.sha256,
    pageCount,
    pageSize,
    segments: segments.size,
    ...counts,
    removedFiles,
  };
}

/** Removes segments and structure files that no snapshot needs. */
async function removeOthers(
  directory: string,
  { structure, segments }: Snapshot,
  older: readonly StructureFile[],
): Promise<number> {
  const needed = new Set([structureName(structure.sha256), ...segments]);
  for (const { sha256, inflatedBytes } of older) {
    needed.add(structureName(sha256));
    const bytes = await readFile(join(directory, structureName(sha256)));
    const table = decodeStructure(await inflate(bytes, { maxOutputLength: inflatedBytes + 1 }));
    for (let run = 0; run * table.segmentPages < table.pageCount; run++) {
      const segment = segmentOf(run, table);
      if (segment !== undefined) needed.add(segmentName(hexDigest(segment.sha256)));
    }
  }
  let removed = 0;
  for (const folder of FOLDERS) {
    for (const file of await readdir(join(directory, folder)).catch(noneIfMissing)) {
      const name = `${folder}/${file}`;
      if (!OWN_NAME.test(file) || needed.has(name)) continue;
      await rm(join(directory, name));
      removed++;
    }
  }
  return removed;
}

/** The snapshots whose structure files are there, the newest first. */
async function readSnapshots(directory: string): Promise<StructureFile[]> {
  const manifest = openManifest(await readOr(directory, MANIFEST_NAME, ""));
  const list: unknown = JSON.parse(new TextDecoder().decode(await readOr(directory, SNAPSHOTS_NAME, "[]")));
  if (!Array.isArray(list)) throw new SyntaxError(`${SNAPSHOTS_NAME} must be an array`);
  // A publisher that was stopped may have come to replace the manifest, but not the list.
  const newest = manifest === undefined ? [] : [decodeManifest(manifest.body).structure];
  const known = new Map<string, StructureFile>();
  for (const each of [...newest, ...list.map((value, at) => decodeStructureFile(value, `[${at}]`))]) {
    const { sha256, storedBytes } = each;
    if (!known.has(sha256) && (await isThere(directory, structureName(sha256), storedBytes)))
      known.set(sha256, each);
  }
  return [...known.values()];
}

async function readOr(directory: string, name: string, otherwise: string): Promise<Uint8Array> {
  try {
    return await readFile(join(directory, name));
  } catch (error) {
    if (isMissing(error)) return new TextEncoder().encode(otherwise);
    throw error;
  }
}

async function isThere(directory: string, name: string, bytes: number): Promise<boolean> {
  const found = await stat(join(directory, name)).catch(noneIfMissing);
  return "size" in found && found.size === bytes;
}

/** Whether the file is there and whole: a disk may have damaged it, which publishing again mends. */
async function holds(directory: string, name: string, bytes: Uint8Array): Promise<boolean> {
  if (!(await isThere(directory, name, bytes.length))) return false;
  return (await readFile(join(directory, name))).equals(bytes);
}

/** Makes the names in a folder durable, where the system can. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  try {
    await folder?.sync();
  } catch {
    // Windows cannot, and does without.
  } finally {
    await folder?.close();
  }
}

/** Puts a file in place as a whole or not at all, durably. */
async function replaceFile(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(directory, name);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  const file = await open(temporary, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

function noneIfMissing(error: unknown): never[] {
  if (isMissing(error)) return [];
  throw error;
}

async function stored<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof LacunaError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LacunaError("STORAGE", `cannot publish in ${path}: ${why}`, { path, cause });
  }
}
