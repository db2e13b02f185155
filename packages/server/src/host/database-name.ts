/** What the server itself answers at the place where names of databases stand. */
const RESERVED = new Set(["health", "metrics", "pages", "pull-updates", "v1", "v2", "v3"]);
/** Devices of Windows, whatever their ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * Whether text may name a database of a directory: letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, at most
 * 64 characters. So no name leads out of the directory, hides, or means another file on some system.
 */
export function isDatabaseName(text: string): boolean {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return false;
  return (
    !text.includes("..") && !text.endsWith(".") && !DEVICE.test(text) && !RESERVED.has(text.toLowerCase())
  );
}
