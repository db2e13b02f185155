import { LacunaError, type PageNo, pageNo } from "@lacuna/page";
import type { Snapshot, SnapshotSource, WriteSource, WriteTransaction } from "@lacuna/pager";

/** The facts of page 1 by which SQLite itself notices that a file changed. File Format, "The Database Header". */
export interface HeaderFacts {
  readonly changeCounter: number;
  readonly schemaCookie: number;
  /** Whether freed pages are cut off only when that is asked for; 0 or 1. Of no meaning without auto-vacuum. */
  readonly incrementalVacuum: number;
}

/**
 * A snapshot that several statements may hold at once: it is released when the last of them lets go. The maker holds
 * it once.
 */
export class View {
  readonly snapshot: Snapshot;
  /** The same snapshot, if pages can be written to it. */
  readonly writer: WriteTransaction | undefined;
  #header: HeaderFacts | undefined;
  #holders = 1;

  private constructor(snapshot: Snapshot, header: HeaderFacts | undefined, writer?: WriteTransaction) {
    this.snapshot = snapshot;
    this.#header = header;
    this.writer = writer;
  }

  /** Absent for a database of no pages. */
  get header(): HeaderFacts | undefined {
    return this.#header;
  }

  /**
   * The newest state of the database, with its header read, and fetched if need be: SQLite looks at it first anyway.
   * @throws {LacunaError} `NOT_A_DATABASE`, `UNSUPPORTED_DATABASE`, `CORRUPT_PAGE` by what page 1 says; and what the
   *   source reports
   */
  static async open(source: SnapshotSource, signal: AbortSignal): Promise<View> {
    signal.throwIfAborted();
    return View.#of(await source.snapshot({ signal }), signal);
  }

  /** The newest state, to be written to, when it is this caller's turn. Releasing it undoes what was not committed. */
  static async openWriter(source: WriteSource, signal: AbortSignal): Promise<View> {
    signal.throwIfAborted();
    const writer = await source.begin({ signal });
    return View.#of(writer, signal, writer);
  }

  static async #of(snapshot: Snapshot, signal: AbortSignal, writer?: WriteTransaction): Promise<View> {
    try {
      if (snapshot.pageCount === 0) return new View(snapshot, undefined, writer);
      const first = pageNo(1);
      const bytes = snapshot.peek(first) ?? (await snapshot.read(first, { signal }));
      return new View(snapshot, readHeader(bytes, snapshot.pageSize), writer);
    } catch (error) {
      snapshot.release();
      throw error;
    }
  }

  /** True if both show the same bytes: then a statement may run on either. */
  sameState(other: View): boolean {
    return (
      this === other || (this.snapshot.version === other.snapshot.version && this.writer === other.writer)
    );
  }

  /** Page 1 was written to it. */
  wroteHeader(header: HeaderFacts): void {
    this.#header = header;
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.snapshot.release();
  }
}

const MAGIC = "SQLite format 3\0";
const TEXT_ENCODINGS: Readonly<Record<number, string>> = { 2: "UTF-16le", 3: "UTF-16be" };

function readHeader(page1: Uint8Array, pageSize: number): HeaderFacts {
  const page = pageNo(1);
  if (page1.length !== pageSize) throw wrongLength(page, page1.length, pageSize);
  for (let at = 0; at < MAGIC.length; at++) {
    if (page1[at] === MAGIC.charCodeAt(at)) continue;
    const found = JSON.stringify(String.fromCharCode(...page1.subarray(0, MAGIC.length)));
    const expected = JSON.stringify(MAGIC);
    throw new LacunaError("NOT_A_DATABASE", `a SQLite database starts with ${expected}, found ${found}`, {
      page,
    });
  }
  const view = new DataView(page1.buffer, page1.byteOffset, page1.byteLength);
  const stored = view.getUint16(16);
  const declared = stored === 1 ? 65536 : stored;
  if (declared !== pageSize) {
    throw new LacunaError(
      "CORRUPT_PAGE",
      `the header says pages of ${declared} bytes, the source has pages of ${pageSize}`,
      {
        page,
        offset: 16,
      },
    );
  }
  const encoding = TEXT_ENCODINGS[view.getUint32(56)];
  if (encoding !== undefined) {
    throw new LacunaError(
      "UNSUPPORTED_DATABASE",
      `the database stores text as ${encoding}, which the official SQLite WebAssembly cannot read; ` +
        "read its tables without SQL, with @lacuna/btree",
      { page, offset: 56 },
    );
  }
  return {
    changeCounter: view.getUint32(24),
    schemaCookie: view.getUint32(40),
    incrementalVacuum: view.getUint32(64),
  };
}

/** The error of a page that has another length than it should. */
export function wrongLength(page: PageNo, found: number, expected: number): LacunaError {
  return new LacunaError("SHORT_READ", `expected ${expected} bytes, got ${found}`, { page });
}
