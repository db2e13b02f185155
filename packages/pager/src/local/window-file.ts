import type { ByteFile } from "@lacuna/page";

/**
 * A file inside a file, from `start` on: to its end, or `length` bytes that are only read. Making it durable and closing
 * it is left to whoever has the outer one.
 */
export function windowFile(outer: ByteFile, start: number, length = Number.POSITIVE_INFINITY): ByteFile {
  const { readSync } = outer;
  const part = (into: Uint8Array, position: number): Uint8Array =>
    into.subarray(0, Math.max(0, Math.min(into.byteLength, length - position)));
  return {
    size: async () => Math.max(0, Math.min(length, (await outer.size()) - start)),
    read: (into, position) => outer.read(part(into, position), start + position),
    ...(readSync === undefined
      ? {}
      : {
          readSync: (into: Uint8Array, position: number) =>
            readSync.call(outer, part(into, position), start + position),
        }),
    write: (bytes, position) => outer.write(bytes, start + position),
    truncate: (size) => outer.truncate(start + size),
    sync: async () => {},
    close: async () => {},
  };
}
