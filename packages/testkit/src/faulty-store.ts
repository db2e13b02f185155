import type { ByteFile, PageStore, SideFile } from "@lacuna/page";

const STORE_OPERATIONS = [
  "put",
  "adopt",
  "reset",
  "evict",
  "flush",
  "setMeta",
  "openFile",
  "removeFile",
] as const;
const FILE_OPERATIONS = ["size", "read", "write", "truncate", "sync"] as const;

/** One operation of a store or of a file beside its pages, before it happens. */
export interface StoreOperation {
  readonly kind: (typeof STORE_OPERATIONS)[number] | (typeof FILE_OPERATIONS)[number];
  /** Absent for operations on pages. */
  readonly file: SideFile | undefined;
}

/**
 * A store whose operations can be made to fail.
 * @param before called before each operation; what it throws is how the operation fails. A write that fails leaves its
 *   first half in the file
 */
export function withFaults(store: PageStore, before: (operation: StoreOperation) => void): PageStore {
  const wrapped = intercept(store, STORE_OPERATIONS, (kind, args) => {
    const [name] = args;
    const file = kind === "openFile" || kind === "removeFile" ? (name as SideFile) : undefined;
    before({ kind, file });
  });
  const openFile = wrapped.openFile.bind(wrapped);
  return new Proxy(wrapped, {
    get(target, member) {
      if (member === "openFile") {
        return async (name: SideFile) => faultyFile(await openFile(name), name, before);
      }
      return Reflect.get(target, member);
    },
  });
}

function faultyFile(file: ByteFile, name: SideFile, before: (operation: StoreOperation) => void): ByteFile {
  return intercept(file, FILE_OPERATIONS, async (kind, args) => {
    try {
      before({ kind, file: name });
    } catch (error) {
      const [bytes, position] = args;
      if (kind === "write" && bytes instanceof Uint8Array) {
        await file.write(bytes.subarray(0, bytes.byteLength >> 1), Number(position));
      }
      throw error;
    }
  });
}

function intercept<T extends object, K extends keyof T & string>(
  target: T,
  members: readonly K[],
  before: (member: K, args: readonly unknown[]) => void | Promise<void>,
): T {
  return new Proxy(target, {
    get(_, member) {
      const value: unknown = Reflect.get(target, member);
      if (typeof value !== "function") return value;
      const bound: (...args: unknown[]) => unknown = value.bind(target);
      const known = members.find((each) => each === member);
      if (known === undefined) return bound;
      return async (...args: unknown[]) => {
        await before(known, args);
        return bound(...args);
      };
    },
  });
}
