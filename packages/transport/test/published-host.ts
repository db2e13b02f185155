import type { PublishSource } from "@lacuna/server/node/publish";
import { type PublishOptions, publishedFiles } from "@lacuna/server/node/publish";
import type { Host } from "@lacuna/testkit";

/** A database file in memory as something to publish. */
export function sourceOf(file: Uint8Array): PublishSource {
  const stored = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const size = file.length === 0 ? 4096 : stored.getUint16(16);
  const pageSize = size === 1 ? 65_536 : size;
  return {
    pageSize,
    pageCount: file.length / pageSize,
    read: async (ranges) =>
      new Uint8Array(
        Buffer.concat(
          ranges.map(({ first, last }) => file.subarray((first - 1) * pageSize, last * pageSize)),
        ),
      ),
  };
}

/** The files of a published directory by their names. */
export async function publish(
  file: Uint8Array,
  options: PublishOptions = {},
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { name, bytes } of publishedFiles(sourceOf(file), options)) files.set(name, bytes);
  return files;
}

/** A static host with a directory at `/made/`. */
export function directoryHost(files: () => ReadonlyMap<string, Uint8Array>): Host {
  return (request) => {
    const { pathname } = new URL(request.url);
    const bytes = files().get(pathname.replace("/made/", ""));
    if (bytes === undefined) return new Response("not found", { status: 404 });
    return new Response(bytes.slice(), { headers: { "content-type": "application/octet-stream" } });
  };
}
