/** A value of a result, as SQLite gives it with safe integers. */
export type Cell = null | number | bigint | string | Uint8Array;

/** Rows as CSV: lines end with CRLF, values are quoted where they have to be, NULL is empty, blobs are hexadecimal. */
export function toCsv(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

function field(value: Cell): string {
  if (value === null) return "";
  if (value instanceof Uint8Array) return hexOf(value);
  const text = String(value);
  // An empty text is not NULL.
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param limit bytes, the rest is cut */
export function hexOf(bytes: Uint8Array, limit = bytes.length): string {
  let text = "";
  for (const byte of bytes.subarray(0, limit)) text += byte.toString(16).padStart(2, "0");
  return text;
}
