import { LacunaError } from "@lacuna/page";
import { type FileSystem, failedWith } from "./file-system.ts";

/** What tells a process from all others, also from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in words of the system; empty where that cannot be known. */
  readonly started: string;
}

/** The processes of this machine. */
export interface Processes {
  self(): ProcessIdentity;
  /** False only if the process is certainly gone. */
  isAlive(process: ProcessIdentity): boolean;
}

/** Ownership of a path, until it is released. */
export interface PathLock {
  /** Removes the lock file. */
  release(): Promise<void>;
}

interface Owner extends ProcessIdentity {
  /** Tells one taking of the lock from all others. */
  readonly token: string;
}

const MAX_OWNER_BYTES = 4096;
const MAX_ATTEMPTS = 100;

/**
 * Makes the lock file, or takes it over from a process that is gone.
 *
 * Of several who find the lock of a dead process only one may replace it. Who may is settled by a second lock named
 * after the dead owner's token, taken in this same way (its owner may die too), and the first is looked at again once
 * the second is held: as long as it bears that token nobody else can replace it.
 * @param token unique to this call, for use in a file name
 * @throws {LacunaError} `LOCKED`
 */
export async function lockPath(
  files: FileSystem,
  path: string,
  processes: Processes,
  token: string,
): Promise<PathLock> {
  const owner: Owner = { ...processes.self(), token };
  await acquire(files, path, processes, owner);
  return {
    async release() {
      const found = await readOwner(files, path);
      if (found !== undefined && found !== "unreadable" && found.token === token) await files.remove(path);
    },
  };
}

async function acquire(files: FileSystem, path: string, processes: Processes, owner: Owner): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (await publish(files, path, owner)) return;
    const found = await readOwner(files, path);
    if (found === undefined) continue;
    if (found === "unreadable") throw unreadableLock(path);
    if (processes.isAlive(found)) throw ownedBy(found, path, processes);
    const claim = `${path}.${found.token}`;
    await acquire(files, claim, processes, owner);
    const still = await readOwner(files, path);
    if (still !== undefined && still !== "unreadable" && still.token === found.token) {
      await files.rename(claim, path);
      return;
    }
    await files.remove(claim);
  }
  throw new LacunaError("LOCKED", `${path} came and went ${MAX_ATTEMPTS} times while it was being made`, {
    path,
  });
}

/** Makes the file with its contents in one step. @returns false if there is one already */
async function publish(files: FileSystem, path: string, owner: Owner): Promise<boolean> {
  const contents = new TextEncoder().encode(`${JSON.stringify(owner)}\n`);
  const draft = `${path}.${owner.token}.new`;
  try {
    await writeNew(files, draft, contents);
    try {
      await files.link(draft, path);
    } finally {
      await files.remove(draft);
    }
    return true;
  } catch (error) {
    if (failedWith(error, "EEXIST")) return false;
    if (!failedWith(error, "EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL")) throw error;
  }
  // A file system without second names. A crash in the midst leaves a lock that nobody can read.
  try {
    await writeNew(files, path, contents);
    return true;
  } catch (error) {
    if (failedWith(error, "EEXIST")) return false;
    throw error;
  }
}

async function writeNew(files: FileSystem, path: string, contents: Uint8Array): Promise<void> {
  const file = await files.open(path, "new");
  try {
    await file.write(contents, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readOwner(files: FileSystem, path: string): Promise<Owner | "unreadable" | undefined> {
  const bytes = new Uint8Array(MAX_OWNER_BYTES);
  let length: number;
  try {
    const file = await files.open(path, "existing");
    try {
      length = await file.read(bytes, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes.subarray(0, length)));
    const { pid, started, token } = value;
    if (!Number.isSafeInteger(pid) || pid <= 0 || typeof started !== "string") return "unreadable";
    // The token becomes part of a file name.
    if (typeof token !== "string" || !/^[0-9a-f]{1,64}$/.test(token)) return "unreadable";
    return { pid, started, token };
  } catch {
    return "unreadable";
  }
}

function ownedBy(owner: Owner, path: string, processes: Processes): LacunaError {
  const self = processes.self();
  const who =
    owner.pid === self.pid && owner.started === self.started
      ? `this process (${owner.pid}) has it open already`
      : `process ${owner.pid} has it open`;
  return new LacunaError("LOCKED", `only one can own the path, and ${who}, says ${path}`, { path });
}

function unreadableLock(path: string): LacunaError {
  return new LacunaError(
    "LOCKED",
    `${path} should name the process that owns the path, found something else. ` +
      "If no process uses the path, remove that file",
    { path },
  );
}
