import { LacunaError, type PageEntry, PageSet, pageAtIndex } from "@lacuna/page";
import { type PullHeader, PullResponseDecoder } from "@lacuna/protocol";
import type { HttpAnswer } from "../http-answer.ts";

/**
 * Reads the answer to a pull request: the header at once, the pages as they come. Each page comes once and is in the
 * database; whether it was asked for is for the caller to check.
 *
 * Errors: `PROTOCOL`, `NOT_SUPPORTED`, `SHORT_READ`, `NETWORK`. It cancels nothing: that is for the owner of the request.
 */
export class PullStream {
  readonly header: PullHeader;
  readonly #answer: HttpAnswer;
  readonly #decoder: PullResponseDecoder;
  readonly #seen = new PageSet();
  #early: PageEntry[];

  private constructor(
    answer: HttpAnswer,
    decoder: PullResponseDecoder,
    header: PullHeader,
    early: PageEntry[],
  ) {
    this.#answer = answer;
    this.#decoder = decoder;
    this.header = header;
    this.#early = early;
  }

  /** @param pageSize bytes every page must have; by default the first page decides */
  static async start(answer: HttpAnswer, pageSize: number | undefined): Promise<PullStream> {
    const decoder = new PullResponseDecoder({ pageSize });
    for (;;) {
      const chunk = await answer.nextChunk();
      const early = decode(decoder, chunk);
      if (decoder.header !== undefined) return new PullStream(answer, decoder, decoder.header, early);
    }
  }

  /** How many different pages have come. */
  get count(): number {
    return this.#seen.size;
  }

  /** True once the page has come. */
  has(page: PageEntry["page"]): boolean {
    return this.#seen.has(page);
  }

  /**
   * The pages that each piece of the answer completes. To be iterated once.
   * @param check throws for a page that must not come; those before it in its batch are still given
   * @param copied whether nobody looks at a batch after the next one was asked for
   */
  async *pages(
    check: (entry: PageEntry) => void,
    copied = false,
  ): AsyncGenerator<PageEntry[], void, undefined> {
    let entries = this.#early;
    this.#early = [];
    let chunk: Uint8Array | undefined;
    for (;;) {
      if (entries.length > 0) yield* goodOnes(entries, (entry) => this.#checkOnce(entry, check));
      if (copied && chunk !== undefined) this.#answer.free(chunk);
      chunk = await this.#answer.nextChunk();
      entries = decode(this.#decoder, chunk);
      if (chunk === undefined) return;
    }
  }

  #checkOnce(entry: PageEntry, check: (entry: PageEntry) => void): void {
    if (!this.#seen.has(entry.page)) {
      check(entry);
      this.#seen.add(entry.page);
      return;
    }
    throw new LacunaError("PROTOCOL", "each page is expected once, it came again", {
      page: entry.page,
      url: this.#answer.url,
    });
  }
}

/** The batch, or what of it stands before the first bad entry, and then that one's error. */
function* goodOnes(
  entries: PageEntry[],
  check: (entry: PageEntry) => void,
): Generator<PageEntry[], void, undefined> {
  let good = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for (; good < entries.length; good++) check(entries[good] as PageEntry);
  } catch (error) {
    failure = { error };
  }
  if (good > 0) yield failure === undefined ? entries : entries.slice(0, good);
  if (failure !== undefined) throw failure.error;
}

function decode(decoder: PullResponseDecoder, chunk: Uint8Array | undefined): PageEntry[] {
  if (chunk === undefined) {
    decoder.end();
    return [];
  }
  const entries: PageEntry[] = [];
  for (const event of decoder.push(chunk)) {
    if (event.kind === "page") entries.push({ page: pageAtIndex(event.index), bytes: event.bytes });
  }
  return entries;
}
