import { MAX_PAGE_NO, type PageIndex } from "@lacuna/page";
import { bytesField, integerField, messageFields, packedField, textField } from "./message-reader.ts";
import { MessageWriter, packVarints } from "./message-writer.ts";
import type { PageIndexRange } from "./page-index-range.ts";
import { decodePageSelector, type PageSelectorLimits } from "./page-selector-decode.ts";
import { encodePageSelector } from "./page-selector-encode.ts";

/** The body of `POST /pull-updates`. */
export interface PullRequest {
  /** How pages should be sent. `zstd` is reserved: nobody answers it. */
  readonly encoding: "raw" | "zstd";
  /** The revision to serve; empty for the newest. */
  readonly serverRevision: string;
  /** The revision the client holds, from which the difference is wanted; empty for none. */
  readonly clientRevision: string;
  /** How long the server may wait for something newer than `clientRevision`, in milliseconds. */
  readonly longPollMs: number;
  /** The pages wanted, ascending; `undefined` for all of them, an empty array for none. */
  readonly pages: readonly PageIndexRange[] | undefined;
  /** Reserved; empty. */
  readonly clientPages: Uint8Array;
  /** SQL text: the pages that running it touches are wanted; empty for none. */
  readonly query: string;
  /** What should be sent. `mvcc-log` is the logical log of databases that have one. */
  readonly streamKind: "pages" | "mvcc-log";
  /**
   * Of what is sent, the pages to be sent before the others, in this order; at most 4096. Other servers of the protocol pass
   * over the field, so that a client must take pages in whatever order they come.
   */
  readonly firstPages: readonly PageIndex[];
}

/** Beyond the numbers that the protocol uses. */
const FIRST_PAGES = 1000;
const MOST_FIRST_PAGES = 4096;

const NO_BYTES: Uint8Array = new Uint8Array(0);

/**
 * A request as bytes. What is left out has its default: every page of the newest revision, raw; that request is
 * an empty body.
 * @throws {RangeError} if the pages of the selector are out of order or the long poll is not an unsigned 32-bit integer
 */
export function encodePullRequest(request: Partial<PullRequest>): Uint8Array<ArrayBuffer> {
  const { longPollMs = 0 } = request;
  if (!Number.isInteger(longPollMs) || longPollMs < 0 || longPollMs > 0xffff_ffff) {
    throw new RangeError(`longPollMs must be an integer from 0 to 4294967295, got ${longPollMs}`);
  }
  const message = new MessageWriter()
    .integer(1, request.encoding === "zstd" ? 1 : 0)
    .text(2, request.serverRevision ?? "")
    .text(3, request.clientRevision ?? "")
    .integer(4, longPollMs);
  if (request.pages !== undefined) message.bytes(5, encodePageSelector(request.pages));
  if (request.clientPages !== undefined && request.clientPages.length > 0)
    message.bytes(6, request.clientPages);
  message.text(7, request.query ?? "").integer(8, request.streamKind === "mvcc-log" ? 1 : 0);
  const { firstPages = [] } = request;
  if (firstPages.length > 0) message.bytes(FIRST_PAGES, packVarints(firstPages));
  return message.finish();
}

/**
 * A request from bytes. Unknown fields are passed over, and of a repeated field the last one counts.
 * `clientPages` is a view of the bytes.
 * @throws {LacunaError} `PROTOCOL` if the bytes are not such a request or exceed the limits
 */
export function decodePullRequest(bytes: Uint8Array, limits: PageSelectorLimits = {}): PullRequest {
  let encoding: PullRequest["encoding"] = "raw";
  let serverRevision = "";
  let clientRevision = "";
  let longPollMs = 0;
  let selector = NO_BYTES;
  let clientPages = NO_BYTES;
  let query = "";
  let streamKind: PullRequest["streamKind"] = "pages";
  let firstPages: readonly PageIndex[] = [];
  for (const field of messageFields(bytes)) {
    switch (field.number) {
      case 1:
        encoding = integerField(field, "encoding", 1) === 1 ? "zstd" : "raw";
        break;
      case 2:
        serverRevision = textField(field, "server_revision");
        break;
      case 3:
        clientRevision = textField(field, "client_revision");
        break;
      case 4:
        longPollMs = integerField(field, "long_poll_timeout_ms", 0xffff_ffff);
        break;
      case 5:
        selector = bytesField(field, "server_pages_selector");
        break;
      case 6:
        clientPages = bytesField(field, "client_pages");
        break;
      case 7:
        query = textField(field, "server_query_selector");
        break;
      case 8:
        streamKind = integerField(field, "stream_kind", 1) === 1 ? "mvcc-log" : "pages";
        break;
      case FIRST_PAGES:
        firstPages = packedField(field, "first_pages", MAX_PAGE_NO - 1, MOST_FIRST_PAGES) as PageIndex[];
        break;
    }
  }
  const pages = selector.length === 0 ? undefined : decodePageSelector(selector, limits);
  return {
    encoding,
    serverRevision,
    clientRevision,
    longPollMs,
    pages,
    clientPages,
    query,
    streamKind,
    firstPages,
  };
}
