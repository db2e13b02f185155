/** Bytes of a file. Both ends belong to it. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** Above it, sending everything costs less than looking for the parts. */
const MOST_RANGES = 256;

/**
 * Reads a `Range` header. RFC 9110, "Range".
 * @returns the ranges in the order of the header, cut to the file, those outside it left out; `undefined` to send
 *   everything, for a header that is absent, malformed, of another unit, or asks for bytes twice or for more than 256
 *   ranges; `"unsatisfiable"` if all lie outside the file
 */
export function parseByteRanges(
  header: string | null,
  size: number,
): ByteRange[] | "unsatisfiable" | undefined {
  const list = header === null ? null : /^bytes=(.*)$/i.exec(header);
  if (list === null) return undefined;
  const parsed = (list[1] ?? "").split(",").map((range) => parseByteRange(range, size));
  if (parsed.length > MOST_RANGES || parsed.includes(undefined)) return undefined;
  const ranges = parsed.filter((range) => typeof range === "object");
  if (ranges.length === 0) return "unsatisfiable";
  const sorted = ranges.toSorted((a, b) => a.first - b.first);
  if (sorted.some(({ first }, at) => first <= (sorted[at - 1]?.last ?? -1))) return undefined;
  return ranges;
}

function parseByteRange(text: string, size: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^\s*(\d*)-(\d*)\s*$/.exec(text);
  if (match === null) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "") {
    if (to === "") return undefined;
    const length = Number(to);
    if (length === 0 || size === 0) return "unsatisfiable";
    return { first: Math.max(0, size - length), last: size - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return undefined;
  if (first >= size) return "unsatisfiable";
  return { first, last: to === "" ? size - 1 : Math.min(Number(to), size - 1) };
}
