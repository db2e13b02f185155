import { type AccessEvent, LacunaError, type PageNo, type Predictor } from "@lacuna/page";
import { type InteriorPage, InteriorPages, MAX_REMEMBERED } from "./interior-pages.ts";
import { type Peek, ScanCursor } from "./scan-cursor.ts";
import { Scans } from "./scans.ts";

export interface StructurePredictorOptions {
  /** Bytes of a page that are SQLite's: the page size less the reserved bytes, at least 480. */
  readonly usableSize: number;
  /**
   * Shows a page that is here, so that a scan goes on into interior pages that a prefetch brought and nobody has read.
   * Must not wait. Such as `(page) => source.peek(page)`.
   * @default none: interior pages are learned only as they are read
   */
  readonly peek?: Peek | undefined;
  /**
   * The most leaves to be ahead of a scan.
   * @default 1024
   */
  readonly maxWindow?: number | undefined;
  /**
   * An interior page with at most so many children is predicted whole when it is read; 0 for never.
   * @default 4
   */
  readonly wholeUpTo?: number | undefined;
  /**
   * Scans followed at the same time; the one that moved longest ago makes room.
   * @default 16
   */
  readonly maxScans?: number | undefined;
  /**
   * Children of interior pages to remember, about 60 bytes each; at most 262144.
   * @default 131072
   */
  readonly maxChildren?: number | undefined;
}

const NONE: readonly PageNo[] = [];

/**
 * Predicts from the structure of the B-trees it has seen, and only with evidence: when a reader goes from a child of an
 * interior page to the next one, in either direction, the children after that are predicted, 1, 2, 4 and so on up to
 * `maxWindow` ahead, across interior pages. A read with the hint "scan" is evidence by itself. Looking up single keys
 * predicts nothing, except the other children of very small interior pages.
 *
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function structurePredictor(options: StructurePredictorOptions): Predictor {
  return new StructurePredictor(options);
}

class StructurePredictor implements Predictor {
  readonly #pages: InteriorPages;
  readonly #peek: Peek | undefined;
  readonly #maxWindow: number;
  readonly #wholeUpTo: number;
  readonly #scans: Scans;
  #whole: PageNo[] = [];

  constructor(options: StructurePredictorOptions) {
    const { usableSize } = options;
    if (!(usableSize >= 480 && usableSize <= 65536)) {
      throw new LacunaError("INVALID_OPTION", `usableSize must be from 480 to 65536, got ${usableSize}`);
    }
    this.#peek = options.peek;
    this.#maxWindow = atLeast(1, "maxWindow", options.maxWindow ?? 1024);
    this.#wholeUpTo = atLeast(0, "wholeUpTo", options.wholeUpTo ?? 4);
    const maxChildren = atLeast(1, "maxChildren", options.maxChildren ?? 131_072);
    this.#pages = new InteriorPages(usableSize, Math.min(maxChildren, MAX_REMEMBERED));
    this.#scans = new Scans(this.#pages, atLeast(1, "maxScans", options.maxScans ?? 16));
  }

  observe({ page, bytes, hint }: AccessEvent): void {
    const place = this.#pages.find(page);
    const parent = this.#pages.parentAt(place);
    // On the way of most reads the bytes need not be looked at.
    if (parent?.leafChildren !== true && bytes !== undefined) {
      const interior = this.#observeInterior(page, bytes);
      if (parent !== undefined) parent.leafChildren = !interior;
      if (interior) return;
    }
    if (parent === undefined || parent.leafChildren === false) return;
    parent.touched = true;
    this.#observeLeaf(parent, this.#pages.positionAt(place), hint);
  }

  predict(limit: number): readonly PageNo[] {
    const wanting = this.#scans.wanting();
    if (wanting === undefined && this.#whole.length === 0) return NONE;
    const leaves = new Set<PageNo>();
    const interiors = new Set<PageNo>();
    for (const scan of wanting ?? []) scan.name(this.#pages, this.#peek, limit, leaves, interiors);
    // Interior pages first: they show where to go on.
    const named = new Set([...interiors, ...leaves]);
    while (named.size < limit) {
      const page = this.#whole.shift();
      if (page === undefined) break;
      named.add(page);
    }
    return named.size === 0 ? NONE : [...named];
  }

  reset(): void {
    this.#pages.clear();
    this.#scans.clear();
    this.#whole = [];
  }

  /** @returns whether it is an interior page */
  #observeInterior(page: PageNo, bytes: Uint8Array): boolean {
    const known = this.#pages.get(page);
    if (known !== undefined) {
      known.touched = true;
      return true;
    }
    const interior = this.#pages.learn(page, bytes);
    if (interior === undefined) return false;
    if (interior.children.length <= this.#wholeUpTo) this.#whole = [...interior.children];
    return true;
  }

  #observeLeaf(parent: InteriorPage, position: number, hint: AccessEvent["hint"]): void {
    if (this.#scans.advance(parent, position)) return;
    const step = this.#evidence(parent, position);
    if (parent.latest !== position) {
      parent.beforeLatest = parent.latest;
      parent.latest = position;
    }
    const towards = step ?? (hint === "scan" ? 1 : undefined);
    if (towards === undefined) return;
    this.#scans.add(new ScanCursor(parent, position, towards, this.#maxWindow));
  }

  /** Which way a reader came to a place from the leaf beside it; `undefined` if it did not. */
  #evidence(parent: InteriorPage, position: number): 1 | -1 | undefined {
    if (wasRead(parent, position - 1) || this.#cameFrom(parent, position, -1)) return 1;
    if (wasRead(parent, position + 1) || this.#cameFrom(parent, position, 1)) return -1;
    return undefined;
  }

  /** Whether a reader came across the edge between two interior pages. */
  #cameFrom(parent: InteriorPage, position: number, side: 1 | -1): boolean {
    if (position !== (side < 0 ? 0 : parent.children.length - 1)) return false;
    const beside = this.#pages.neighbour(parent, side);
    if (typeof beside !== "object") return false;
    return wasRead(beside, side < 0 ? beside.children.length - 1 : 0);
  }
}

function wasRead(parent: InteriorPage, position: number): boolean {
  return position >= 0 && (parent.latest === position || parent.beforeLatest === position);
}

function atLeast(minimum: number, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw new LacunaError("INVALID_OPTION", `${name} must be an integer of at least ${minimum}, got ${value}`);
}
