import { fileURLToPath } from "node:url";
import {
  type AbortOptions,
  type Bootstrap,
  closedError,
  isLacunaError,
  LacunaError,
  type Opening,
  type PageEntry,
  type PageRange,
  type PageRequest,
  pageNo,
  type Revision,
  type Transport,
  type TransportTraffic,
} from "@lacuna/page";
import { AbortScope } from "../abort-scope.ts";
import { Traffic } from "../traffic.ts";
import { hasCommittedLog } from "./committed-log.ts";
import { DatabaseFile, type FileState } from "./database-file.ts";
import { pageSizeOf } from "./file-revision.ts";
import type { HotJournal } from "./hot-journal.ts";

export interface FileTransportOptions {
  /** A path, or a `file:` URL. */
  readonly path: string | URL;
}

/** Read from the file at once; pages are handed out once the file is known not to have changed meanwhile. */
const STEP_BYTES = 1 << 20;

/**
 * The pages of a database file on this machine, as it lies there. The revision is made of the file's size, times and
 * change counter. Each `open` and each `fetchPages` counts as a request; the file is open only during them.
 *
 * A journal that waits to be rolled back is looked through: the pages are those from before its transaction, and nothing is
 * written. `open` fails with `NOT_SUPPORTED` while a write-ahead log beside the file holds committed pages, and for a journal
 * of a transaction over several files. I/O errors are `STORAGE`.
 */
export function fileTransport(options: FileTransportOptions): Transport {
  return new FileTransport(options);
}

class FileTransport implements Transport {
  readonly #path: string;
  readonly #traffic = new Traffic();
  readonly #closing = new AbortController();
  /** The hot journal that was found last: reading one takes as long as it is. */
  #journal: HotJournal | undefined;

  constructor({ path }: FileTransportOptions) {
    this.#path = path instanceof URL || path.startsWith("file:") ? fileURLToPath(path) : path;
  }

  async open(options: AbortOptions & { readonly bootstrap?: Bootstrap | undefined } = {}): Promise<Opening> {
    const { bootstrap = { kind: "none" }, signal } = options;
    const scope = new AbortScope(signal, this.#closing.signal);
    try {
      scope.signal.throwIfAborted();
      if (bootstrap.kind === "query") {
        throw new LacunaError("NOT_SUPPORTED", "a file cannot run the SQL of a query bootstrap");
      }
      this.#traffic.sent(0);
      if (await this.#io(() => hasCommittedLog(this.#path))) {
        throw new LacunaError(
          "NOT_SUPPORTED",
          `a database file at rest expected, found commits in ${this.#path}-wal: checkpoint it, or serve it`,
          { path: this.#path },
        );
      }
      const { revision, pageSize, pageCount } = await this.#io(() => this.#state());
      scope.signal.throwIfAborted();
      const bytes = bootstrap.kind === "prefix" ? bootstrap.bytes : pageSize;
      const last = bootstrap.kind === "full" ? pageCount : Math.min(pageCount, Math.ceil(bytes / pageSize));
      const ranges = last === 0 ? [] : [{ first: pageNo(1), last: pageNo(last) }];
      const pages = this.#read({ revision, pages: ranges, urgency: "demand" }, signal);
      return { shape: { revision, pageSize, pageCount }, pages };
    } finally {
      scope.end();
    }
  }

  async #state(): Promise<FileState> {
    const file = await DatabaseFile.open(this.#path, this.#journal);
    try {
      return await this.#stateOf(file);
    } finally {
      await file.close();
    }
  }

  async #stateOf(file: DatabaseFile): Promise<FileState> {
    const state = await file.state();
    this.#journal = file.journal;
    return state;
  }

  async *fetchPages(
    request: PageRequest,
    { signal }: AbortOptions = {},
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    this.#traffic.sent(0);
    yield* this.#read(request, signal);
  }

  async *#read(
    { revision, pages }: PageRequest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const scope = new AbortScope(signal, this.#closing.signal);
    let file: DatabaseFile | undefined;
    try {
      scope.signal.throwIfAborted();
      const pageSize = pageSizeOf(revision);
      if (pageSize === undefined) throw this.#changed("the revision was not given by a file");
      file = await this.#io(() => DatabaseFile.open(this.#path, this.#journal));
      await this.#expect(revision, file);
      for (const { first, last } of steps(pages, pageSize)) {
        const bytes = await this.#readStill(file, { first, last }, pageSize, revision);
        scope.signal.throwIfAborted();
        this.#traffic.received(bytes.length);
        yield Array.from({ length: last - first + 1 }, (_, at) => ({
          page: pageNo(first + at),
          bytes: bytes.subarray(at * pageSize, (at + 1) * pageSize),
        }));
        scope.signal.throwIfAborted();
      }
    } finally {
      await file?.close();
      scope.end();
    }
  }

  /** The pages' bytes, read while the file was in the state of the revision. */
  async #readStill(
    file: DatabaseFile,
    { first, last }: PageRange,
    pageSize: number,
    revision: Revision,
  ): Promise<Uint8Array> {
    const length = (last - first + 1) * pageSize;
    const bytes = await this.#io(() => file.read((first - 1) * pageSize, length));
    await this.#expect(revision, file);
    if (bytes.length === length) return bytes;
    const message = `${length} bytes expected, found ${bytes.length}`;
    throw new LacunaError("SHORT_READ", message, { page: first, path: this.#path });
  }

  async #expect(revision: Revision, file: DatabaseFile): Promise<void> {
    const now = await this.#io(() => this.#stateOf(file));
    if (now.revision !== revision)
      throw this.#changed(`revision ${revision} expected, found ${now.revision}`);
  }

  #changed(found: string): LacunaError {
    return new LacunaError("REVISION_CHANGED", `the file was changed: ${found}`, { path: this.#path });
  }

  async #io<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (isLacunaError(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LacunaError("STORAGE", `the database file cannot be read: ${why}`, {
        path: this.#path,
        cause,
      });
    }
  }

  traffic(): TransportTraffic {
    return this.#traffic.snapshot();
  }

  async close(): Promise<void> {
    this.#closing.abort(closedError("the file transport"));
  }
}

/** The ranges in their order, cut into pieces that are read at once. */
function* steps(ranges: readonly PageRange[], pageSize: number): Generator<PageRange, void, undefined> {
  const stepPages = Math.max(1, Math.floor(STEP_BYTES / pageSize));
  for (const { first, last } of ranges) {
    for (let page: number = first; page <= last; page += stepPages) {
      yield { first: pageNo(page), last: pageNo(Math.min(last, page + stepPages - 1)) };
    }
  }
}
