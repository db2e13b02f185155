import { LacunaError } from "@lacuna/page";
import type { HttpAnswer } from "../http-answer.ts";
import { refuseWebPage } from "../web-page.ts";
import { parseContentRange } from "./content-range.ts";

/** Bytes of a file, both ends included; `last` is `undefined` for "to the end". */
export interface ByteSpan {
  readonly first: number;
  readonly last: number | undefined;
}

export const rangeHeader = (...spans: readonly ByteSpan[]): string =>
  `bytes=${spans.map(({ first, last = "" }) => `${first}-${last}`).join(",")}`;

/** Headers that ask for bytes of a file as they are. */
export const rangeHeaders = (
  ...spans: readonly ByteSpan[]
): { range: string; "accept-encoding": string } => ({
  range: rangeHeader(...spans),
  "accept-encoding": "identity",
});

/**
 * Checks that an answer is the range that was asked for, from its headers alone: the body of any other answer is left
 * unread, so that no host can make a range request download the whole file. The error ends the request, which cancels it.
 * @returns the range that comes and the length of the whole file
 * @throws {LacunaError} `NOT_A_DATABASE` for a web page, `RANGE_UNSUPPORTED` for a success that is not this range,
 *   `PROTOCOL` for headers that make no sense, `UNAUTHORIZED`, `HTTP_STATUS`
 */
export async function checkRange(
  answer: HttpAnswer,
  asked: ByteSpan,
): Promise<{ first: number; last: number; total: number }> {
  const { status, url } = answer;
  if (status < 200 || status > 299) throw answer.statusError(await answer.beginning());
  const refuse = (code: "RANGE_UNSUPPORTED" | "PROTOCOL", message: string): LacunaError =>
    new LacunaError(code, message, { status, url });
  refuseWebPage(answer);
  const wanted = rangeHeader(asked);
  if (status !== 206) {
    const type = answer.mediaType ?? "no content type";
    throw refuse(
      "RANGE_UNSUPPORTED",
      `${url} answered ${status} (${type}) to a request for ${wanted}, 206 expected: the host does not serve ranges`,
    );
  }
  refuseCoding(answer);
  const value = answer.header("content-range");
  const { span, total } = parseContentRange(value) ?? {};
  if (total === undefined) {
    const hint =
      "across origins the host must allow it with Access-Control-Expose-Headers: Content-Range, ETag";
    const found = value === undefined ? `none; ${hint}` : JSON.stringify(value);
    throw refuse(
      "PROTOCOL",
      `a Content-Range of a single range and the length of the file expected in the answer to ${wanted}, found ${found}`,
    );
  }
  const last = Math.min(asked.last ?? total - 1, total - 1);
  if (span === undefined || span.first !== asked.first || span.last !== last) {
    throw refuse("RANGE_UNSUPPORTED", `${wanted} of ${url} was asked for, the host sent ${value}`);
  }
  const length = answer.header("content-length");
  if (length !== undefined && Number(length) !== last - span.first + 1) {
    throw refuse("PROTOCOL", `Content-Length ${length} contradicts Content-Range ${value}`);
  }
  return { first: span.first, last, total };
}

/** Offsets into a compressed body are not offsets into the file. */
export function refuseCoding(answer: HttpAnswer): void {
  const coding = answer.header("content-encoding");
  if (coding === undefined || coding.toLowerCase() === "identity") return;
  throw new LacunaError(
    "RANGE_UNSUPPORTED",
    `the bytes of the file expected from ${answer.url}, found Content-Encoding ${coding}: switch compression off for it`,
    { status: answer.status, url: answer.url },
  );
}

/**
 * The body of an answer that must have exactly so many bytes.
 * @param before the part of the body that was read already
 * @throws {LacunaError} `SHORT_READ` if it has fewer or more
 */
export async function* exactBody(
  answer: HttpAnswer,
  expectedBytes: number,
  before?: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  const mismatch = (found: string): LacunaError => {
    const message = `a body of ${expectedBytes} bytes expected from ${answer.url}, found ${found}`;
    return new LacunaError("SHORT_READ", message, { status: answer.status, url: answer.url });
  };
  const take = (chunk: Uint8Array): Uint8Array => {
    bytes += chunk.length;
    if (bytes > expectedBytes) throw mismatch("more");
    return chunk;
  };
  if (before !== undefined) yield take(before);
  for await (const chunk of answer.chunks()) yield take(chunk);
  if (bytes < expectedBytes) throw mismatch(`${bytes}`);
}
