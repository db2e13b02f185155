import { LacunaError, MAX_PAGE_NO, type PageIndex } from "@lacuna/page";
import { bytesField, integerField, messageFields, nextField, textField } from "./message-reader.ts";
import { MessageWriter } from "./message-writer.ts";

/** What the first message of an answer says. */
export interface PullHeader {
  /** The revision this answer represents; never empty. */
  readonly serverRevision: string;
  /** Pages in the database at that revision. */
  readonly pageCount: number;
  /** Which way of following changes the server prefers for this database. */
  readonly protocol: "unspecified" | "pages" | "mvcc-log";
  /**
   * Whether a request that names both a client revision and pages is answered with those of the pages that differ. Other servers of
   * the protocol do not say so, and their clients pass over the field.
   * @default false
   */
  readonly selectsDifferences?: boolean | undefined;
}

/** Beyond the numbers that the protocol uses. */
const SELECTS_DIFFERENCES = 1000;

/** One page of an answer. */
export interface PageMessage {
  readonly index: PageIndex;
  readonly bytes: Uint8Array;
}

/**
 * The first message of an answer behind its length: raw pages follow, or none.
 * @throws {RangeError} if the revision is empty or the page count is out of range
 */
export function encodeHeader(header: PullHeader): Uint8Array<ArrayBuffer> {
  const { serverRevision, pageCount, protocol, selectsDifferences = false } = header;
  if (serverRevision === "") throw new RangeError("the server revision of a header must not be empty");
  if (!Number.isInteger(pageCount) || pageCount < 0 || pageCount > MAX_PAGE_NO) {
    throw new RangeError(`pageCount must be an integer from 0 to ${MAX_PAGE_NO}, got ${pageCount}`);
  }
  return new MessageWriter()
    .text(1, serverRevision)
    .integer(2, pageCount)
    .bytes(3, new Uint8Array(0))
    .integer(8, protocol === "pages" ? 1 : protocol === "mvcc-log" ? 2 : 0)
    .integer(SELECTS_DIFFERENCES, selectsDifferences ? 1 : 0)
    .finishFramed();
}

/** A header and whether it announced pages in a form that can be read. */
export interface DecodedHeader {
  readonly header: PullHeader;
  readonly raw: boolean;
}

/**
 * The first message of an answer, without its length.
 * @throws {LacunaError} `PROTOCOL` if it is malformed or contradicts itself, `NOT_SUPPORTED` if it announces
 *   compressed pages, a logical log, or pages that replace the whole base
 */
export function decodeHeader(message: Uint8Array): DecodedHeader {
  let serverRevision = "";
  let pageCount = 0;
  let raw = false;
  let zstd = false;
  let protocol = 0;
  let selectsDifferences = false;
  for (const field of messageFields(message)) {
    switch (field.number) {
      case 1:
        serverRevision = textField(field, "server_revision");
        break;
      case 2:
        pageCount = integerField(field, "db_size", MAX_PAGE_NO);
        break;
      case 3:
        bytesField(field, "raw_encoding");
        raw = true;
        break;
      case 4:
        bytesField(field, "zstd_encoding");
        zstd = true;
        break;
      case 5:
        if (integerField(field, "stream_kind", 1) === 1) throw notSupported("a logical log instead of pages");
        break;
      case 6:
        if (integerField(field, "apply_mode", 1) === 1) throw notSupported("pages that replace the base");
        break;
      case 8:
        protocol = integerField(field, "protocol", 2);
        break;
      case SELECTS_DIFFERENCES:
        selectsDifferences = integerField(field, "selects_differences", 1) === 1;
        break;
    }
  }
  if (raw && zstd) throw new LacunaError("PROTOCOL", "the header announces both raw and zstd pages");
  if (zstd) throw notSupported("pages compressed with zstd");
  if (serverRevision === "") throw new LacunaError("PROTOCOL", "the header names no server revision");
  const name = protocol === 2 ? "mvcc-log" : protocol === 1 ? "pages" : "unspecified";
  const header = { serverRevision, pageCount, protocol: name } as const;
  return { header: selectsDifferences ? { ...header, selectsDifferences } : header, raw };
}

/**
 * A page message without its length. The bytes are a view.
 * @throws {LacunaError} `PROTOCOL` if it is malformed
 */
export function decodePage(message: Uint8Array): PageMessage {
  let index = 0;
  let bytes: Uint8Array | undefined;
  const cursor = { bytes: message, offset: 0 };
  for (let field = nextField(cursor); field !== undefined; field = nextField(cursor)) {
    if (field.number === 1) index = integerField(field, "page_id", MAX_PAGE_NO - 1);
    else if (field.number === 2) bytes = bytesField(field, "encoded_page");
  }
  if (bytes === undefined)
    throw new LacunaError("PROTOCOL", `the message of page index ${index} has no page`);
  return { index: index as PageIndex, bytes };
}

const notSupported = (what: string): LacunaError =>
  new LacunaError("NOT_SUPPORTED", `the server answers with ${what}, which is not supported`);
