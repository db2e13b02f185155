import {
  type AbortOptions,
  type Bootstrap,
  countPages,
  isLacunaError,
  LacunaError,
  type LinkEstimate,
  type Opening,
  type PageEntry,
  type PageNo,
  type PageRange,
  type PageRequest,
  pageNo,
  pagesOf,
  type Revision,
  type Transport,
  type TransportTraffic,
} from "@lacuna/page";
import {
  decodeStructure,
  hexDigest,
  type Manifest,
  pagesOfSegment,
  type Structure,
  segmentName,
  segmentOf,
  structureName,
} from "@lacuna/protocol/published";
import type { AbortScope } from "../abort-scope.ts";
import { checkCount } from "../check-count.ts";
import { endable } from "../endable.ts";
import type { HttpOptions } from "../http-endpoint.ts";
import { mergeStreams } from "../merge-streams.ts";
import { type NamedFile, PublishedHost } from "./published-host.ts";
import { manifestOf, revisionOf } from "./published-revision.ts";
import { Recent } from "./recent.ts";

export interface PublishedOptions extends HttpOptions {
  /** Where the directory is, or its manifest. A query is sent with every request. */
  readonly url: HttpOptions["url"];
  /**
   * Segments of one `fetchPages` that are on the way at once, at least 1.
   * @default 6
   */
  readonly maxRequests?: number | undefined;
  /**
   * Bytes of segments that are kept in memory, inflated, since the pages of one are often asked for one by one.
   * @default 4194304
   */
  readonly memoryBytes?: number | undefined;
}

/** What is asked of which snapshot, and how urgently. */
interface SnapshotRequest {
  readonly manifest: Manifest;
  readonly urgency: PageRequest["urgency"];
}

type Batches = AsyncGenerator<readonly PageEntry[], void, undefined>;

/**
 * The pages of a database that `lacuna publish` put in a directory of any static host. Every file is checked against its
 * SHA-256 before a byte of it is parsed; the revision is the root hash of the snapshot. An opening that brings pages brings
 * all of the structure, so that any row is one segment away.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function publishedTransport(options: PublishedOptions): Transport {
  return new PublishedTransport(options);
}

class PublishedTransport implements Transport {
  readonly #host: PublishedHost;
  readonly #maxRequests: number;
  /** Of the snapshot that was read last: every fetch needs it. */
  readonly #structures = new Recent<Structure>(1, () => 1);
  readonly #segments: Recent<Uint8Array>;

  constructor(options: PublishedOptions) {
    const { maxRequests = 6, memoryBytes = 4_194_304 } = options;
    checkCount("maxRequests", maxRequests, 1);
    checkCount("memoryBytes", memoryBytes, 0);
    this.#segments = new Recent(memoryBytes, ({ length }) => length);
    this.#maxRequests = maxRequests;
    this.#host = new PublishedHost(options, "the transport of a published database");
  }

  async open(options: AbortOptions & { readonly bootstrap?: Bootstrap | undefined } = {}): Promise<Opening> {
    const { bootstrap = { kind: "none" } } = options;
    if (bootstrap.kind === "query") {
      throw new LacunaError("NOT_SUPPORTED", "a static host cannot run the SQL of a query bootstrap");
    }
    const scope = this.#host.endpoint.scope(options.signal);
    try {
      const manifest = await this.#host.manifest({ urgency: "demand", signal: scope.signal });
      const { pageSize, pageCount } = manifest;
      const revision = revisionOf(manifest);
      const prefixBytes = bootstrap.kind === "prefix" ? bootstrap.bytes : 0;
      const wanted = bootstrap.kind === "full" ? pageCount : Math.ceil(prefixBytes / pageSize);
      const pages = this.#openingPages(manifest, Math.min(pageCount, wanted), scope);
      return { shape: { revision, pageSize, pageCount }, pages: endable(pages, () => scope.end()) };
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  /** All pages of the structure, since they are here, then what the bootstrap wants besides. */
  async *#openingPages(manifest: Manifest, wantedPages: number, scope: AbortScope): Batches {
    try {
      if (wantedPages === 0) return;
      const structure = await this.#structureOf(manifest, "demand", scope.signal);
      const ranges = [{ first: pageNo(1), last: pageNo(wantedPages) }];
      const held = entriesOf(structure, structure.pages.keys());
      yield* this.#pages(structure, { held, ranges }, { manifest, urgency: "demand" }, scope.signal);
    } finally {
      scope.end();
    }
  }

  async *fetchPages(request: PageRequest, options: AbortOptions = {}): Batches {
    const { urgency } = request;
    const manifest = pinned(request.revision);
    const scope = this.#host.endpoint.scope(options.signal);
    try {
      scope.signal.throwIfAborted();
      const structure = await this.#structureOf(manifest, urgency, scope.signal);
      const { pages: ranges } = request;
      const held = entriesOf(structure, heldAmong(structure, ranges));
      yield* this.#pages(structure, { held, ranges }, { manifest, urgency }, scope.signal);
    } finally {
      scope.end();
    }
  }

  /** What the structure holds at once, then what the ranges name besides, as segments come. */
  async *#pages(
    structure: Structure,
    { held, ranges }: { readonly held: PageEntry[]; readonly ranges: readonly PageRange[] },
    request: SnapshotRequest,
    signal: AbortSignal,
  ): Batches {
    const { pageCount, segmentPages } = structure;
    const runs = new Map<number, PageRange[]>();
    for (const { first, last } of ranges) {
      if (last > pageCount) throw new RangeError(`the database has ${pageCount} pages, got page ${last}`);
      for (let run = runOf(first, segmentPages); run <= runOf(last, segmentPages); run++) {
        const parts = runs.get(run) ?? [];
        parts.push({ first, last });
        runs.set(run, parts);
      }
    }
    signal.throwIfAborted();
    if (held.length > 0) yield held;
    signal.throwIfAborted();
    const streams = [...runs].map(
      ([run, parts]) =>
        (aborted: AbortSignal) =>
          this.#segment(structure, { run, ranges: parts }, request, aborted),
    );
    yield* mergeStreams(streams, this.#maxRequests, signal);
  }

  /** The pages of a run that the ranges name and the structure does not hold. */
  async *#segment(
    structure: Structure,
    { run, ranges }: { readonly run: number; readonly ranges: readonly PageRange[] },
    request: SnapshotRequest,
    signal: AbortSignal,
  ): Batches {
    const { pageSize } = structure;
    const stored = pagesOfSegment(run, structure);
    const isWanted = (page: PageNo): boolean =>
      ranges.some(({ first, last }) => page >= first && page <= last);
    if (!stored.some(isWanted)) return;
    const segment = segmentOf(run, structure);
    if (segment === undefined) {
      throw new LacunaError(
        "PROTOCOL",
        `a segment with page ${stored[0]} expected, the structure names none`,
      );
    }
    const sha256 = hexDigest(segment.sha256);
    const file = {
      name: segmentName(sha256),
      sha256,
      storedBytes: segment.storedBytes,
      inflatedBytes: stored.length * pageSize,
    };
    const bytes = await this.#segments.get(sha256, signal, (aborted) => this.#file(file, request, aborted));
    signal.throwIfAborted();
    const entries: PageEntry[] = [];
    for (const [index, page] of stored.entries()) {
      if (!isWanted(page)) continue;
      entries.push({ page, bytes: bytes.slice(index * pageSize, (index + 1) * pageSize) });
    }
    yield entries;
  }

  async #structureOf(
    manifest: Manifest,
    urgency: PageRequest["urgency"],
    signal: AbortSignal,
  ): Promise<Structure> {
    const { sha256 } = manifest.structure;
    const file = { ...manifest.structure, name: structureName(sha256) };
    const structure = await this.#structures.get(sha256, signal, async (aborted) =>
      decodeStructure(await this.#file(file, { manifest, urgency }, aborted)),
    );
    requireShape(structure, manifest);
    return structure;
  }

  /** A file of the snapshot. What cannot be had of a snapshot that is no longer the newest was removed. */
  async #file(
    file: NamedFile,
    { manifest, urgency }: SnapshotRequest,
    given: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { sha256 } = manifest.structure;
    // The load may be shared: it must end with the transport even if its first reader left.
    const scope = this.#host.endpoint.scope(given);
    const { signal } = scope;
    try {
      return await this.#host.file(file, { urgency, signal });
    } catch (error) {
      if (signal.aborted || !mayBeGone(error)) throw error;
      const newest = await this.#host.manifest({ urgency, signal }).catch(() => undefined);
      signal.throwIfAborted();
      if (newest === undefined || newest.structure.sha256 === sha256) throw error;
      throw new LacunaError("REVISION_CHANGED", `the snapshot ${sha256} was replaced`, {
        cause: error,
      });
    } finally {
      scope.end();
    }
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#host.endpoint.link.estimate();
  }

  traffic(): TransportTraffic {
    return this.#host.endpoint.traffic.snapshot();
  }

  async close(): Promise<void> {
    this.#host.endpoint.close();
  }
}

const runOf = (page: PageNo, segmentPages: number): number => Math.floor((page - 1) / segmentPages);

/** Copies of pages that the structure holds: the receiver owns them. */
function entriesOf(structure: Structure, pages: Iterable<PageNo>): PageEntry[] {
  const entries: PageEntry[] = [];
  for (const page of pages) {
    const bytes = structure.pages.get(page);
    if (bytes !== undefined) entries.push({ page, bytes: bytes.slice() });
  }
  return entries;
}

/** The pages of the ranges that the structure may hold, by looking at the fewer ones. */
function heldAmong({ pages }: Structure, ranges: readonly PageRange[]): Iterable<PageNo> {
  if (countPages(ranges) <= pages.size) return pagesOf(ranges);
  return [...pages.keys()].filter((page) => ranges.some(({ first, last }) => page >= first && page <= last));
}

/** @throws {LacunaError} `REVISION_CHANGED` */
function pinned(revision: Revision): Manifest {
  const manifest = manifestOf(revision);
  if (manifest !== undefined) return manifest;
  throw new LacunaError(
    "REVISION_CHANGED",
    "the revision was not given by a published database; ask for the newest",
  );
}

/** @throws {LacunaError} `PROTOCOL` */
function requireShape(structure: Structure, manifest: Manifest): void {
  const [found, expected] = [structure, manifest].map(
    ({ pageCount, pageSize }) => `${pageCount} pages of ${pageSize} bytes`,
  );
  if (found === expected) return;
  throw new LacunaError(
    "PROTOCOL",
    `the manifest tells of ${expected}, the structure file that it names of ${found}`,
  );
}

/** What a host may answer for a file that it does not have: 404, 403 of a bucket, or some other file. */
function mayBeGone(error: unknown): boolean {
  if (!isLacunaError(error)) return false;
  if (error.code === "HTTP_STATUS") return error.status === 404 || error.status === 410;
  return ["UNAUTHORIZED", "NOT_A_DATABASE", "PROTOCOL", "SHORT_READ"].includes(error.code);
}
