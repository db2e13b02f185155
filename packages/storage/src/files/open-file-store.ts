import { isPageSize, LacunaError, type PageStore } from "@lacuna/page";
import { FileStore } from "./file-store.ts";
import type { FileSystem, OpenFile } from "./file-system.ts";
import type { PathLock } from "./path-lock.ts";
import { createReplicaInfo, ReplicaInfo } from "./replica-info.ts";
import { SideFiles } from "./side-files.ts";
import { fileWork } from "./storage-error.ts";

export interface FileStoreSetting {
  readonly files: FileSystem;
  /**
   * Takes the path for this owner alone.
   * @param token unique to this call, for use in a file name
   */
  readonly lock: (token: string) => Promise<PathLock>;
  /** Fills an array with random bytes. */
  readonly random: (bytes: Uint8Array<ArrayBuffer>) => void;
}

/** Files that would become part of a replica at that path, were it made. */
const SIDE_FILES = ["", "-wal", "-journal", "-changes", "-pull"];

/** @throws {LacunaError} `INVALID_OPTION` unless it can be the name of a replica */
export function checkPath(path: unknown): void {
  if (typeof path === "string" && path !== "" && !path.includes("\0")) return;
  throw new LacunaError("INVALID_OPTION", `path should be the name of a file, got ${JSON.stringify(path)}`);
}

/**
 * Opens the replica at an absolute path, or makes one where there is nothing.
 * @throws {LacunaError} `NOT_A_REPLICA`, `LOCKED`, `REPLICA_CORRUPT`, `STORAGE`, `STORAGE_FULL`; then nothing was changed
 */
export async function openFileStore(path: string, setting: FileStoreSetting): Promise<PageStore> {
  const { files } = setting;
  return fileWork("opening the replica", path, async () => {
    // Before the lock is made as well: not even that may appear beside a file that is not ours.
    await findReplica(files, path);
    const token = [...randomBytes(setting, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const lock = await setting.lock(token);
    try {
      return await openOwned(path, lock, setting);
    } catch (error) {
      // What went wrong first is the news.
      await lock.release().catch(() => {});
      throw error;
    }
  });
}

/** @throws {LacunaError} `NOT_A_REPLICA` if the path is taken by something that is not a replica */
async function findReplica(files: FileSystem, path: string): Promise<"found" | "nothing"> {
  if ((await files.size(`${path}-info`)) !== undefined) return "found";
  for (const suffix of SIDE_FILES) {
    const size = await files.size(path + suffix);
    // An empty file beside is what programs leave that opened the path and did nothing.
    if (size === undefined || (size === 0 && suffix !== "")) continue;
    throw new LacunaError(
      "NOT_A_REPLICA",
      `${path}${suffix} (${size} bytes) is there without ${path}-info, so it is not part of a replica. ` +
        "It was left alone. Choose another path, or move it away",
      { path: path + suffix },
    );
  }
  return "nothing";
}

async function openOwned(path: string, lock: PathLock, setting: FileStoreSetting): Promise<PageStore> {
  const { files } = setting;
  const infoPath = `${path}-info`;
  const randomEpoch = (): number => new DataView(randomBytes(setting, 4).buffer).getUint32(0);
  const opened: OpenFile[] = [];
  const open = async (name: string, how: "existing" | "any"): Promise<OpenFile> => {
    const file = await files.open(name, how);
    opened.push(file);
    return file;
  };
  try {
    if ((await findReplica(files, path)) === "nothing")
      await createReplicaInfo(files, infoPath, randomEpoch());
    const { info, present: resident } = await ReplicaInfo.load(await open(infoPath, "existing"), infoPath);
    // Only now: a database file without its `-info` would be taken for somebody else's after a crash.
    const data = await open(path, "any");
    await files.syncDirectory(path);
    const { pageSize = 0, pageCount = 0 } = info.header.shape ?? {};
    const size = await data.size();
    const wholePages = isPageSize(pageSize) ? Math.floor(size / pageSize) : 0;
    for (const page of [...resident]) if (page > wholePages) resident.delete(page);
    // A crash may have come between a shorter shape and this. SQLite may take the length for that of the database.
    if (isPageSize(pageSize) && size > pageCount * pageSize) await data.truncate(pageCount * pageSize);
    const sideFiles = new SideFiles(files, path);
    return new FileStore({ path, data, info, sideFiles, resident, lock, randomEpoch });
  } catch (error) {
    await Promise.allSettled(opened.map((file) => file.close()));
    throw error;
  }
}

function randomBytes({ random }: FileStoreSetting, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  random(bytes);
  return bytes;
}
