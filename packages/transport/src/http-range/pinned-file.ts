import { LacunaError, type PageRequest } from "@lacuna/page";
import type { HttpAnswer } from "../http-answer.ts";
import type { HttpEndpoint } from "../http-endpoint.ts";
import { inBrowser } from "../in-browser.ts";
import { parseContentRange } from "./content-range.ts";
import { type ByteSpan, checkRange, rangeHeaders } from "./range-request.ts";
import { describeValidators, type StaticRevision, sameValidators, validatorsOf } from "./static-revision.ts";

/** A file in the state that a revision names. Requests for its bytes let no other state through. */
export interface PinnedFile {
  readonly endpoint: HttpEndpoint;
  readonly state: StaticRevision;
  readonly urgency: PageRequest["urgency"];
}

/**
 * @returns an answer whose body is this range
 * @throws {LacunaError} `REVISION_CHANGED`, and as `checkRange` does
 */
export async function askRange(file: PinnedFile, span: ByteSpan, signal: AbortSignal): Promise<HttpAnswer> {
  const answer = await send(file, [span], signal);
  checkState(file, answer, (await checkRange(answer, span)).total);
  return answer;
}

/**
 * @returns an answer with these ranges as its parts; `undefined` from a host that does not answer several ranges
 * @throws {LacunaError} `REVISION_CHANGED`, `HTTP_STATUS` for a failing server
 */
export async function askRanges(
  file: PinnedFile,
  spans: readonly ByteSpan[],
  signal: AbortSignal,
): Promise<HttpAnswer | undefined> {
  const answer = await send(file, spans, signal);
  const { status, mediaType } = answer;
  if (status >= 500) throw answer.statusError(await answer.beginning());
  if (status !== 206 || mediaType !== "multipart/byteranges" || answer.header("content-encoding")) {
    // A whole file that nobody reads would take the line from those that are read.
    answer.cancel();
    return undefined;
  }
  checkState(file, answer, file.state.length);
  return answer;
}

/** Stores of objects that are known to send the whole file, or to refuse: asking them would cost the line something. */
const SINGLE_RANGES_ONLY = /^(?:AmazonS3|AliyunOSS|MinIO|UploadServer|Windows-Azure-Blob)/i;

/** Whether it makes sense to ask for several ranges. In a browser, hosts of other origins would have to permit the header. */
export function mayAskSeveral({ endpoint: { lastHost } }: PinnedFile): boolean {
  if (SINGLE_RANGES_ONLY.test(lastHost?.server ?? "")) return false;
  return !inBrowser() || (lastHost !== undefined && lastHost.origin === globalThis.location?.origin);
}

async function send(
  { endpoint, state, urgency }: PinnedFile,
  spans: readonly ByteSpan[],
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { etag } = state.validators;
  // Across origins a browser asks the host first whether it may send a condition, and most static hosts do not answer.
  // The tag of the answer tells the same; the condition only saves bytes.
  const condition = etag === undefined || inBrowser() ? {} : { "if-match": etag };
  const headers = { ...rangeHeaders(...spans), ...condition };
  const answer = await endpoint.send({ method: "GET", headers, urgency, signal });
  if (answer.status === 412) throw replaced(answer, "the host no longer has the state that was asked for");
  if (answer.status === 416) {
    const total = parseContentRange(answer.header("content-range"))?.total;
    throw replaced(answer, `it had ${state.length} bytes, now ${total ?? "fewer"}`);
  }
  return answer;
}

function checkState({ state }: PinnedFile, answer: HttpAnswer, total: number): void {
  const { length, validators } = state;
  if (total !== length) throw replaced(answer, `it had ${length} bytes, now ${total}`);
  const found = validatorsOf(answer.headers);
  if (!sameValidators(found, validators)) {
    throw replaced(answer, `${describeValidators(validators)} expected, found ${describeValidators(found)}`);
  }
}

/** The error for an answer from another state than the one expected. */
export const replaced = ({ status, url }: HttpAnswer, found: string): LacunaError =>
  new LacunaError("REVISION_CHANGED", `the file at ${url} was replaced: ${found}`, { status, url });
