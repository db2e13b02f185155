/** An open file of a simulated disk, as the file system of `@lacuna/storage` has it. */
export interface SimulatedFile {
  size(): Promise<number>;
  read(into: Uint8Array, position: number): Promise<number>;
  readSync(into: Uint8Array, position: number): number;
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** One call of the file system, as the hook of a simulated disk sees it before it happens. */
export interface DiskOperation {
  readonly kind:
    | "size"
    | "open"
    | "link"
    | "rename"
    | "remove"
    | "syncDirectory"
    | "read"
    | "write"
    | "truncate"
    | "sync"
    | "close";
  readonly path: string;
}

/** Tells one change from another that may or may not survive a power cut. */
export type Chance = () => boolean;

const SECTOR_BYTES = 512;

interface Write {
  readonly position: number;
  /** `undefined`: the file is cut, or grows, to `position`. */
  readonly bytes: Uint8Array | undefined;
}

/** A file, as programs see it and as it would be found after a power cut. */
class Inode {
  bytes = new Uint8Array();
  #durable = new Uint8Array();
  #pending: Write[] = [];

  static holding(bytes: Uint8Array<ArrayBuffer>): Inode {
    const inode = new Inode();
    inode.bytes = bytes;
    inode.sync();
    return inode;
  }

  apply(write: Write): void {
    this.bytes = applied(this.bytes, write);
    // Disks keep or lose whole sectors.
    if (write.bytes === undefined) this.#pending.push(write);
    else {
      const end = write.position + write.bytes.byteLength;
      for (let at = write.position; at < end; ) {
        const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
        this.#pending.push({
          position: at,
          bytes: write.bytes.slice(at - write.position, next - write.position),
        });
        at = next;
      }
    }
  }

  sync(): void {
    this.#durable = this.bytes.slice();
    this.#pending = [];
  }

  surviving(chance: Chance): Uint8Array<ArrayBuffer> {
    return this.#pending.reduce(
      (bytes, write) => (chance() ? applied(bytes, write) : bytes),
      this.#durable.slice(),
    );
  }
}

function applied(
  bytes: Uint8Array<ArrayBuffer>,
  { position, bytes: written }: Write,
): Uint8Array<ArrayBuffer> {
  const size = written === undefined ? position : Math.max(bytes.byteLength, position + written.byteLength);
  const next = size === bytes.byteLength ? bytes : new Uint8Array(size);
  if (next !== bytes) next.set(bytes.subarray(0, size));
  if (written !== undefined) next.set(written, position);
  return next;
}

/**
 * A file system in memory that knows what is durable: bytes after `sync`, names after `syncDirectory`.
 * Of the changes since then, of names and of sectors, any may survive a power cut and any may be lost.
 */
export class SimulatedDisk {
  /** Called before each operation; may throw to make it fail. */
  before: (operation: DiskOperation) => void = () => {};
  /** Once off, nothing works any more: the power is cut or the process was killed. */
  off = false;
  /** How many bytes of the next failing write arrive nevertheless. */
  tornBytes = 0;
  readonly #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #pendingNames: (readonly [name: string, inode: Inode | undefined][])[] = [];

  /** The names there are now. */
  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** What a program would read now. */
  contents(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.bytes.slice();
  }

  /** Puts a durable file there, as if it had always been. */
  place(path: string, bytes: Uint8Array): void {
    this.#rename([path, Inode.holding(new Uint8Array(bytes))]);
    this.#syncNames();
  }

  /** Takes a name away, durably. Nothing happens if it is not there. */
  discard(path: string): void {
    this.#rename([path, undefined]);
    this.#syncNames();
  }

  /** The disk as the next process finds it after this one was killed: all that was written is there. */
  afterKill(): SimulatedDisk {
    return this.#copy(this.#names, (inode) => inode.bytes.slice());
  }

  /** The disk after a power cut: of what is not durable only what `chance` lets survive. */
  afterPowerCut(chance: Chance): SimulatedDisk {
    const names = new Map(this.#durableNames);
    for (const change of this.#pendingNames) if (chance()) rename(names, change);
    return this.#copy(names, (inode) => inode.surviving(chance));
  }

  #copy(names: Map<string, Inode>, bytesOf: (inode: Inode) => Uint8Array<ArrayBuffer>): SimulatedDisk {
    const disk = new SimulatedDisk();
    for (const [name, inode] of names) disk.place(name, bytesOf(inode));
    return disk;
  }

  async size(path: string): Promise<number | undefined> {
    this.#enter("size", path);
    return this.#names.get(path)?.bytes.byteLength;
  }

  async open(path: string, how: "existing" | "new" | "any"): Promise<SimulatedFile> {
    this.#enter("open", path);
    let inode = this.#names.get(path);
    if (inode === undefined && how === "existing") throw failure("ENOENT", path);
    if (inode !== undefined && how === "new") throw failure("EEXIST", path);
    if (inode === undefined) {
      inode = new Inode();
      this.#rename([path, inode]);
    }
    return this.#file(path, inode);
  }

  async link(path: string, second: string): Promise<void> {
    this.#enter("link", path);
    if (this.#names.has(second)) throw failure("EEXIST", second);
    this.#rename([second, this.#inode(path)]);
  }

  async rename(path: string, name: string): Promise<void> {
    this.#enter("rename", path);
    this.#rename([name, this.#inode(path)], [path, undefined]);
  }

  async remove(path: string): Promise<void> {
    this.#enter("remove", path);
    this.#inode(path);
    this.#rename([path, undefined]);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#enter("syncDirectory", path);
    this.#syncNames();
  }

  #file(path: string, inode: Inode): SimulatedFile {
    const read = (into: Uint8Array, position: number): number => {
      const found = inode.bytes.subarray(position, position + into.byteLength);
      into.set(found);
      return found.byteLength;
    };
    return {
      size: async () => inode.bytes.byteLength,
      read: async (into, position) => {
        this.#enter("read", path);
        return read(into, position);
      },
      readSync: read,
      write: async (bytes, position) => {
        const wasOff = this.off;
        try {
          this.#enter("write", path);
        } catch (error) {
          if (!wasOff && this.tornBytes > 0) inode.apply({ position, bytes: bytes.slice(0, this.tornBytes) });
          throw error;
        }
        inode.apply({ position, bytes: bytes.slice() });
      },
      truncate: async (size) => {
        this.#enter("truncate", path);
        inode.apply({ position: size, bytes: undefined });
      },
      sync: async () => {
        this.#enter("sync", path);
        inode.sync();
      },
      close: async () => this.#enter("close", path),
    };
  }

  #enter(kind: DiskOperation["kind"], path: string): void {
    if (this.off) throw failure("EIO", path);
    this.before({ kind, path });
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw failure("ENOENT", path);
    return inode;
  }

  #rename(...change: readonly [name: string, inode: Inode | undefined][]): void {
    rename(this.#names, change);
    this.#pendingNames.push(change);
  }

  #syncNames(): void {
    this.#durableNames = new Map(this.#names);
    this.#pendingNames = [];
  }
}

function rename(names: Map<string, Inode>, change: readonly (readonly [string, Inode | undefined])[]): void {
  for (const [name, inode] of change) {
    if (inode === undefined) names.delete(name);
    else names.set(name, inode);
  }
}

/** An error as a file system throws it. */
export function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

/** Which operation of a disk fails, and how. */
export interface DiskFault {
  /** Counted from 1, among the operations of `kinds`. */
  readonly nth: number;
  /** @default every kind */
  readonly kinds?: readonly DiskOperation["kind"][] | undefined;
  /** Of the error: `EIO` or `ENOSPC`, say. */
  readonly code: string;
  /**
   * How many bytes arrive nevertheless where a write fails.
   * @default 0
   */
  readonly tornBytes?: number | undefined;
  /** Nothing works any more afterwards: the power was cut, or the process killed. */
  readonly off?: boolean | undefined;
}

/**
 * Makes one operation of a disk fail.
 * @returns how many operations of the kinds there were so far
 */
export function injectFault(disk: SimulatedDisk, fault: DiskFault): { readonly seen: number } {
  const count = { seen: 0 };
  disk.before = ({ kind, path }) => {
    if (fault.kinds !== undefined && !fault.kinds.includes(kind)) return;
    if (++count.seen !== fault.nth) return;
    disk.tornBytes = fault.tornBytes ?? 0;
    if (fault.off) disk.off = true;
    throw failure(fault.code, path);
  };
  return count;
}

/** Numbers from 0 to below 1 that depend on the seed alone. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
