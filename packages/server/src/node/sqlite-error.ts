export const BUSY = 5;
export const READONLY = 8;
export const CORRUPT = 11;
export const CANTOPEN = 14;
export const NOTADB = 26;

/**
 * The extended result code of an error that SQLite reported. "Result and Error Codes".
 * @returns `undefined` for an error that did not come from SQLite
 */
export function extendedCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode
    : undefined;
}

/** The same without what the extension adds: the codes above. */
export function primaryCode(error: unknown): number | undefined {
  const code = extendedCode(error);
  return code === undefined ? undefined : code & 255;
}
