import { LacunaError } from "@lacuna/page";
import type { HttpAnswer } from "../http-answer.ts";
import { refuseWebPage } from "../web-page.ts";
import { parseContentRange } from "./content-range.ts";
import { type ByteSpan, checkRange, refuseCoding } from "./range-request.ts";

/** How much of the file the first answer holds, from its beginning, and how long the file is. */
export interface OpeningExtent {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

/**
 * Checks the answer to the first request. Besides the range that was asked for, two answers are good: that of an empty
 * file, which has no ranges, and the whole file where the whole file was wanted.
 * @throws {LacunaError} as `checkRange` does
 */
export async function openingExtent(answer: HttpAnswer, asked: ByteSpan): Promise<OpeningExtent> {
  const { status, url } = answer;
  const length = answer.header("content-length");
  if (status === 200 && (asked.last === undefined || length === "0")) {
    refuseWebPage(answer);
    refuseCoding(answer);
    if (length !== undefined && /^\d+$/.test(length)) {
      return { sentBytes: Number(length), totalBytes: Number(length) };
    }
    const message = `Content-Length expected in the answer of ${url}, found ${length ?? "none"}`;
    throw new LacunaError("PROTOCOL", message, { status, url });
  }
  if (status === 416 && parseContentRange(answer.header("content-range"))?.total === 0) {
    answer.cancel();
    return { sentBytes: 0, totalBytes: 0 };
  }
  const { first, last, total } = await checkRange(answer, asked);
  return { sentBytes: last - first + 1, totalBytes: total };
}

/**
 * Reads until there are at least so many bytes.
 * @throws {LacunaError} `SHORT_READ` if the body ends before
 */
export async function firstBytes(answer: HttpAnswer, minimum: number): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  while (bytes.length < minimum) {
    const chunk = await answer.nextChunk();
    if (chunk === undefined) {
      const message = `at least ${minimum} bytes expected from ${answer.url}, found ${bytes.length}`;
      throw new LacunaError("SHORT_READ", message, { status: answer.status, url: answer.url });
    }
    const longer = new Uint8Array(bytes.length + chunk.length);
    longer.set(bytes);
    longer.set(chunk, bytes.length);
    bytes = longer;
  }
  return bytes;
}
