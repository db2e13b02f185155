import type { Callback, Engine } from "./engine.ts";
import type { Heap } from "./heap.ts";
import { SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_NOTFOUND, SQLITE_OK } from "./result-code.ts";

/** The one file a VFS serves, as a database whose journal is in memory. */
export interface VirtualFile {
  /** Whether SQLite may write to it. */
  readonly writable: boolean;
  /**
   * Fills memory with bytes of the file.
   * @returns a result code, or a promise of one where the driver can suspend SQLite
   */
  read(target: number, length: number, offset: number): number | Promise<number>;
  /** Bytes in the file; `undefined` while there is nothing to read from. */
  size(): bigint | undefined;
  /** Takes bytes from memory. @returns a result code */
  write(source: number, length: number, offset: number): number;
  /** @returns a result code */
  truncate(bytes: number): number;
  /** SQLite moves to another lock, see `LOCK_RESERVED`. @returns a result code */
  lock(level: number): number;
  /** SQLite has committed a transaction. */
  committed(): void;
  /** @returns false if the file is open already */
  open(): boolean;
  close(): void;
}

/** No lock, and the one a writer has. "sqlite3_io_methods", the values of xLock. */
export const LOCK_NONE = 0;
export const LOCK_RESERVED = 2;

const OPEN_READONLY = 1;
const OPEN_READWRITE = 2;
const OPEN_MAIN_DB = 0x100;
/** SQLite may read parts of pages: it then reads long overflow chains past its page cache. */
const IOCAP_SUBPAGE_READ = 0x8000;
/** Bytes beside those written stay as they are, so SQLite need not journal neighbours of a page. */
const IOCAP_POWERSAFE_OVERWRITE = 0x1000;
const SECTOR_BYTES = 512;
/** "Standard File Control Opcodes". */
const FCNTL_SYNC = 21;
const FCNTL_COMMIT_PHASETWO = 22;
const MAX_PATH_BYTES = 512;
/** Julian day 2440587.5, the start of 1970, in milliseconds. */
const UNIX_EPOCH = 210_866_760_000_000;

// Sizes of the C structures and the offsets of their members, all 4 bytes each. "sqlite3_vfs", "sqlite3_io_methods".
const FILE_BYTES = 8;
const METHODS = [
  "version",
  "xClose",
  "xRead",
  "xWrite",
  "xTruncate",
  "xSync",
  "xFileSize",
  "xLock",
  "xUnlock",
  "xCheckReservedLock",
  "xFileControl",
  "xSectorSize",
  "xDeviceCharacteristics",
] as const;
const VFS = [
  "version",
  "fileBytes",
  "maxPathBytes",
  "next",
  "name",
  "appData",
  "xOpen",
  "xDelete",
  "xAccess",
  "xFullPathname",
  "xDlOpen",
  "xDlError",
  "xDlSym",
  "xDlClose",
  "xRandomness",
  "xSleep",
  "xCurrentTime",
  "xGetLastError",
  "xCurrentTimeInt64",
] as const;

/**
 * Registers a VFS that serves one file, as the default of the instance: it is also where SQLite takes the time and its
 * randomness from. Every other file, such as one that is attached, cannot be opened.
 *
 * @param fileName the name by which SQLite opens the file
 */
export function registerVfs(engine: Engine, fileName: string, file: VirtualFile): void {
  const { heap, sqlite } = engine;
  const methods = sqlite.malloc(4 * METHODS.length);
  const vfs = sqlite.malloc(4 * VFS.length);
  const pointers = engine.install({
    ...fileMethods(heap, file),
    ...vfsMethods(heap, fileName, file, methods),
  });
  const nameBytes = fileName.length + 1;
  const name = sqlite.malloc(nameBytes);
  heap.writeText(`${fileName}\0`, name, nameBytes);
  const members: Readonly<Record<string, number>> = {
    ...pointers,
    fileBytes: FILE_BYTES,
    maxPathBytes: MAX_PATH_BYTES,
    name,
  };
  for (const [index, member] of METHODS.entries()) heap.setInt32(methods + 4 * index, members[member] ?? 1);
  for (const [index, member] of VFS.entries()) heap.setInt32(vfs + 4 * index, members[member] ?? 0);
  heap.setInt32(vfs, 2);
  sqlite.sqlite3_vfs_register(vfs, 1);
}

function fileMethods(heap: Heap, file: VirtualFile): Record<string, Callback> {
  return {
    xClose: callback("i(i)", () => file.close()),
    xRead: {
      type: "i(iiij)",
      waits: true,
      run: (_file: number, target: number, length: number, offset: bigint) =>
        file.read(target >>> 0, length, Number(offset)),
    },
    xWrite: callback("i(iiij)", (_file: number, source: number, length: number, offset: bigint) =>
      file.write(source >>> 0, length, Number(offset)),
    ),
    xTruncate: callback("i(ij)", (_file: number, bytes: bigint) => file.truncate(Number(bytes))),
    xSync: callback("i(ii)", () => SQLITE_OK),
    xFileSize: callback("i(ii)", (_file: number, out: number) => {
      const bytes = file.size();
      if (bytes === undefined) return SQLITE_IOERR;
      heap.setInt64(out, bytes);
      return SQLITE_OK;
    }),
    xLock: callback("i(ii)", (_file: number, level: number) => file.lock(level)),
    xUnlock: callback("i(ii)", (_file: number, level: number) => file.lock(level)),
    xCheckReservedLock: callback("i(ii)", (_file: number, out: number) => heap.setInt32(out, 0)),
    xFileControl: callback("i(iii)", (_file: number, operation: number) => {
      if (operation === FCNTL_COMMIT_PHASETWO) file.committed();
      return operation === FCNTL_COMMIT_PHASETWO || operation === FCNTL_SYNC ? SQLITE_OK : SQLITE_NOTFOUND;
    }),
    xSectorSize: callback("i(i)", () => SECTOR_BYTES),
    xDeviceCharacteristics: callback("i(i)", () => IOCAP_SUBPAGE_READ | IOCAP_POWERSAFE_OVERWRITE),
  };
}

function vfsMethods(
  heap: Heap,
  fileName: string,
  file: VirtualFile,
  methods: number,
): Record<string, Callback> {
  return {
    xOpen: callback(
      "i(iiiii)",
      (_vfs: number, name: number, out: number, flags: number, outFlags: number) => {
        const wanted = (flags & OPEN_MAIN_DB) !== 0 && heap.cString(name) === fileName && file.open();
        // Without methods SQLite does not call xClose on a file that could not be opened.
        heap.setInt32(out, wanted ? methods : 0);
        if (!wanted) return SQLITE_CANTOPEN;
        const granted = file.writable ? flags : (flags & ~OPEN_READWRITE) | OPEN_READONLY;
        if (outFlags !== 0) heap.setInt32(outFlags, granted);
        return SQLITE_OK;
      },
    ),
    xDelete: callback("i(iii)", () => SQLITE_OK),
    xAccess: callback("i(iiii)", (_vfs: number, _name: number, _flags: number, out: number) =>
      heap.setInt32(out, 0),
    ),
    xFullPathname: callback("i(iiii)", (_vfs: number, name: number, capacity: number, out: number) => {
      const text = `${heap.cString(name) ?? ""}\0`;
      return heap.writeText(text, out >>> 0, capacity) === undefined ? SQLITE_CANTOPEN : SQLITE_OK;
    }),
    xRandomness: callback("i(iii)", (_vfs: number, length: number, out: number) => {
      crypto.getRandomValues(heap.bytes.subarray(out >>> 0, (out >>> 0) + length));
      return length;
    }),
    // Nobody else can hold a lock, so there is nothing to wait for.
    xSleep: callback("i(ii)", () => SQLITE_OK),
    xCurrentTime: callback("i(ii)", (_vfs: number, out: number) => {
      heap.doubles[out >>> 3] = (Date.now() + UNIX_EPOCH) / 86_400_000;
    }),
    xGetLastError: callback("i(iii)", () => SQLITE_OK),
    xCurrentTimeInt64: callback("i(ii)", (_vfs: number, out: number) =>
      heap.setInt64(out, BigInt(Date.now() + UNIX_EPOCH)),
    ),
  };
}

/** A method that never waits; returning nothing means `SQLITE_OK`. */
// biome-ignore lint/suspicious/noConfusingVoidType: most methods have nothing to say
function callback(type: string, run: (...values: never[]) => number | void): Callback {
  return { type, run: (...values) => run(...values) ?? SQLITE_OK };
}
