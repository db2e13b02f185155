import { MANIFEST_NAME } from "@lacuna/protocol/published";

/** True for the URL of a manifest, as opposed to that of its directory. */
export const namesManifest = (url: URL): boolean => url.pathname.endsWith(`/${MANIFEST_NAME}`);

/**
 * The URL of a file in a published directory.
 * @param base the URL of the directory or of its manifest; a query, which may hold a signature, is kept
 */
export function fileUrl(base: URL, name: string): URL {
  const url = new URL(base);
  const { pathname } = base;
  const directory = namesManifest(base) ? pathname.slice(0, -MANIFEST_NAME.length) : pathname;
  url.pathname = `${directory.replace(/\/$/, "")}/${name}`;
  return url;
}
