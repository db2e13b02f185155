import { LacunaError, type PageRequest } from "@lacuna/page";
import type { HttpAnswer } from "../http-answer.ts";
import type { HttpEndpoint } from "../http-endpoint.ts";
import { inBrowser } from "../in-browser.ts";
import { parseContentRange } from "./content-range.ts";
import { type ByteSpan, checkRange, rangeHeaders } from "./range-request.ts";
import { describeValidators, type StaticRevision, sameValidators, validatorsOf } from "./static-revision.ts";

/** Requests for bytes of a file in the state that a revision names. They let no other state through. */
export class PinnedFile {
  readonly state: StaticRevision;
  readonly #endpoint: HttpEndpoint;
  readonly #urgency: PageRequest["urgency"];

  constructor(endpoint: HttpEndpoint, state: StaticRevision, urgency: PageRequest["urgency"]) {
    this.#endpoint = endpoint;
    this.state = state;
    this.#urgency = urgency;
  }

  /** Whether headers for several ranges may be sent. In a browser, other origins would have to permit them. */
  get mayAskSeveral(): boolean {
    return !inBrowser() || this.#endpoint.lastUrl?.origin === globalThis.location?.origin;
  }

  /**
   * @returns an answer whose body is this range
   * @throws {LacunaError} `REVISION_CHANGED`, and as `checkRange` does
   */
  async range(span: ByteSpan, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#send([span], signal);
    this.#check(answer, (await checkRange(answer, span)).total);
    return answer;
  }

  /**
   * @returns an answer with these ranges as its parts; `undefined` from a host that does not answer several ranges
   * @throws {LacunaError} `REVISION_CHANGED`, `HTTP_STATUS` for a failing server
   */
  async ranges(spans: readonly ByteSpan[], signal: AbortSignal): Promise<HttpAnswer | undefined> {
    const answer = await this.#send(spans, signal);
    if (answer.status >= 500) throw answer.statusError("");
    const { status, mediaType } = answer;
    if (status !== 206 || mediaType !== "multipart/byteranges" || answer.header("content-encoding")) {
      // A whole file that nobody reads would take the line from those that are read.
      answer.cancel();
      return undefined;
    }
    this.#check(answer, this.state.length);
    return answer;
  }

  async #send(spans: readonly ByteSpan[], signal: AbortSignal): Promise<HttpAnswer> {
    const { length, validators } = this.state;
    // Across origins a browser asks the host first whether it may send a condition, and most static hosts do not answer.
    // The tag of the answer tells the same; the condition only saves bytes.
    const condition = validators.etag === undefined || inBrowser() ? {} : { "if-match": validators.etag };
    const answer = await this.#endpoint.send({
      method: "GET",
      headers: { ...rangeHeaders(...spans), ...condition },
      urgency: this.#urgency,
      signal,
    });
    if (answer.status === 412) throw replaced(answer, "the host no longer has the state that was asked for");
    if (answer.status === 416) {
      const total = parseContentRange(answer.header("content-range"))?.total;
      throw replaced(answer, `it had ${length} bytes, now ${total ?? "fewer"}`);
    }
    return answer;
  }

  #check(answer: HttpAnswer, total: number): void {
    const { length, validators } = this.state;
    if (total !== length) throw replaced(answer, `it had ${length} bytes, now ${total}`);
    const found = validatorsOf(answer.headers);
    if (!sameValidators(found, validators)) {
      throw replaced(
        answer,
        `${describeValidators(validators)} expected, found ${describeValidators(found)}`,
      );
    }
  }
}

/** The error for an answer from another state than the one expected. */
export const replaced = ({ status, url }: HttpAnswer, found: string): LacunaError =>
  new LacunaError("REVISION_CHANGED", `the file at ${url} was replaced: ${found}`, { status, url });
