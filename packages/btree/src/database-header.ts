import { isPageNo, isPageSize, LacunaError, type PageNo } from "@lacuna/page";
import { readU16, readU32 } from "./big-endian.ts";

/** Bytes of the database header at the start of page 1. */
export const DATABASE_HEADER_BYTES = 100;

/** How text is stored, as the label `TextDecoder` knows it by. */
export type TextEncoding = "utf-8" | "utf-16le" | "utf-16be";

/** The database header. File Format, "The Database Header". */
export interface DatabaseHeader {
  /** Bytes per page: a power of two from 512 to 65536. */
  readonly pageSize: number;
  /** Bytes at the end of each page that are not SQLite's, 0 to 255. */
  readonly reservedBytes: number;
  /** Bytes of each page that hold content: `pageSize - reservedBytes`, at least 480. */
  readonly usableSize: number;
  /** As stored at offset 18: 1 rollback journal, 2 WAL; above 2 the file must not be written to. */
  readonly writeVersion: number;
  /** As stored at offset 19: 1 rollback journal, 2 WAL. */
  readonly readVersion: number;
  /** Incremented by each transaction; in WAL mode not by all of them. */
  readonly changeCounter: number;
  /** As stored. Trust it only where `pageCountIsValid`, else take the length of the file. */
  readonly pageCount: number;
  /** True if `pageCount` is not 0 and was written together with the change counter. */
  readonly pageCountIsValid: boolean;
  /** The first freelist trunk page; `undefined` if no page is free. */
  readonly firstFreelistTrunk: PageNo | undefined;
  /** Free pages, trunks included. */
  readonly freelistCount: number;
  readonly schemaCookie: number;
  /** 1 to 4; 0 in a database without tables. */
  readonly schemaFormat: number;
  readonly defaultCacheSize: number;
  /** The largest root page of a B-tree in auto-vacuum modes; `undefined` without auto-vacuum. */
  readonly largestRootPage: PageNo | undefined;
  readonly autoVacuum: "none" | "full" | "incremental";
  /** UTF-8 also where the header says 0, which an empty database may. */
  readonly textEncoding: TextEncoding;
  readonly userVersion: number;
  readonly applicationId: number;
  /** The change counter when `pageCount` and `sqliteVersion` were written. */
  readonly versionValidFor: number;
  /** `SQLITE_VERSION_NUMBER` of the library that wrote last, such as 3054001. */
  readonly sqliteVersion: number;
}

const MAGIC = "SQLite format 3\0";
const ENCODINGS: readonly TextEncoding[] = ["utf-8", "utf-8", "utf-16le", "utf-16be"];

/**
 * Reads the database header from page 1, of which the first 100 bytes are enough.
 * @throws {LacunaError} `NOT_A_DATABASE` if the magic, the page size, the reserved bytes, the payload fractions or the
 *   read version are not those of a SQLite 3 database
 */
export function parseDatabaseHeader(page1: Uint8Array): DatabaseHeader {
  const refuse = (what: string, offset: number): never => {
    throw new LacunaError("NOT_A_DATABASE", `not a SQLite database: ${what} at offset ${offset}`, { offset });
  };
  if (page1.length < DATABASE_HEADER_BYTES) {
    refuse(`expected ${DATABASE_HEADER_BYTES} bytes of header, found ${page1.length}`, 0);
  }
  for (let at = 0; at < MAGIC.length; at++) {
    if (page1[at] !== MAGIC.charCodeAt(at)) refuse("the file does not begin with the magic of SQLite 3", at);
  }
  const byte = (offset: number): number => page1[offset] as number;
  const word = (offset: number): number => readU32(page1, offset);
  const storedSize = readU16(page1, 16);
  const pageSize = storedSize === 1 ? 65536 : storedSize;
  if (!isPageSize(pageSize))
    refuse(`expected a power of two from 512 to 65536, found page size ${storedSize}`, 16);
  const reservedBytes = byte(20);
  const usableSize = pageSize - reservedBytes;
  if (usableSize < 480) refuse(`expected at least 480 usable bytes per page, found ${usableSize}`, 20);
  if (byte(19) > 2) refuse(`expected read version 1 or 2, found ${byte(19)}`, 19);
  if (byte(21) !== 64 || byte(22) !== 32 || byte(23) !== 32)
    refuse("expected payload fractions 64, 32, 32", 21);
  const changeCounter = word(24);
  const pageCount = word(28);
  const versionValidFor = word(92);
  const pageOrNone = (value: number): PageNo | undefined => (isPageNo(value) ? value : undefined);
  const largestRootPage = pageOrNone(word(52));
  return {
    pageSize,
    reservedBytes,
    usableSize,
    writeVersion: byte(18),
    readVersion: byte(19),
    changeCounter,
    pageCount,
    pageCountIsValid: pageCount !== 0 && versionValidFor === changeCounter,
    firstFreelistTrunk: pageOrNone(word(32)),
    freelistCount: word(36),
    schemaCookie: word(40),
    schemaFormat: word(44),
    defaultCacheSize: word(48) | 0,
    largestRootPage,
    autoVacuum: largestRootPage === undefined ? "none" : word(64) === 0 ? "full" : "incremental",
    textEncoding: ENCODINGS[word(56) & 3] as TextEncoding,
    userVersion: word(60) | 0,
    applicationId: word(68) | 0,
    versionValidFor,
    sqliteVersion: word(96),
  };
}

/**
 * How many pages a database has that is a file of this length: what the header says where it can be believed.
 * File Format, "In-header database size".
 */
export function pageCountOf(header: DatabaseHeader, fileBytes: number): number {
  return header.pageCountIsValid ? header.pageCount : Math.floor(fileBytes / header.pageSize);
}
