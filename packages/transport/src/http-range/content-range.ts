/** The header `Content-Range` of a single range. RFC 9110, "Content-Range". */
export interface ContentRange {
  /** Byte offsets, both ends included; `undefined` in an answer that says only how long the file is. */
  readonly span: { readonly first: number; readonly last: number } | undefined;
  /** Bytes of the whole file; `undefined` if the host does not know. */
  readonly total: number | undefined;
}

/** @returns `undefined` if the value is absent or malformed */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes\s+(?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(value?.trim() ?? "");
  if (match === null) return undefined;
  const total = match[3] === "*" ? undefined : Number(match[3]);
  if (match[1] === undefined) return total === undefined ? undefined : { span: undefined, total };
  const first = Number(match[1]);
  const last = Number(match[2]);
  if (!Number.isSafeInteger(last) || first > last) return undefined;
  if (total !== undefined && (!Number.isSafeInteger(total) || last >= total)) return undefined;
  return { span: { first, last }, total };
}
