import type { AccessEvent, PageNo, Predictor } from "@lacuna/page";
import { atLeast, checkUsableSize } from "./check-option.ts";
import { type InteriorPage, InteriorPages, MAX_REMEMBERED } from "./interior-pages.ts";
import type { Peek } from "./peek.ts";
import { ScanCursor } from "./scan-cursor.ts";
import { Scans } from "./scans.ts";

export interface ScanPredictorOptions {
  /** Bytes of a page that are SQLite's: the page size less the reserved bytes, at least 480. */
  readonly usableSize: number;
  /**
   * Shows a page that is here, so that a scan goes on into interior pages that a prefetch brought and nobody has read.
   * Must not wait. Such as `(page) => source.glance(page)`.
   * @default none: interior pages are learned only as they are read
   */
  readonly peek?: Peek | undefined;
  /**
   * The most leaves to be ahead of a scan.
   * @default 1024
   */
  readonly maxWindow?: number | undefined;
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
const DEFAULT_CHILDREN = 131_072;

/**
 * Predicts the leaves that a reader who goes from leaf to leaf will come to, and only with evidence: when a reader goes from
 * a child of an interior page to the next one, in either direction, the children after that are predicted, 1, 2, 4 and so
 * on up to `maxWindow` ahead, across interior pages. A read with the hint "scan" is evidence by itself. Looking up single
 * keys predicts nothing.
 *
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function scanPredictor(options: ScanPredictorOptions): Predictor {
  return new ScanPredictor(options, interiorPages(options));
}

/** What is remembered of the trees, for predictors that share it. */
export function interiorPages(
  options: Pick<ScanPredictorOptions, "usableSize" | "maxChildren">,
): InteriorPages {
  const usableSize = checkUsableSize(options.usableSize);
  const maxChildren = atLeast(1, "maxChildren", options.maxChildren ?? DEFAULT_CHILDREN);
  return new InteriorPages(usableSize, Math.min(maxChildren, MAX_REMEMBERED));
}

export class ScanPredictor implements Predictor {
  readonly cause = "scan";
  readonly #pages: InteriorPages;
  readonly #peek: Peek | undefined;
  readonly #maxWindow: number;
  readonly #scans: Scans;

  constructor(options: ScanPredictorOptions, pages: InteriorPages) {
    this.#peek = options.peek;
    this.#maxWindow = atLeast(1, "maxWindow", options.maxWindow ?? 1024);
    this.#pages = pages;
    this.#scans = new Scans(pages, atLeast(1, "maxScans", options.maxScans ?? 16));
  }

  observe({ page, bytes, hint }: AccessEvent): void {
    const place = this.#pages.see(page, bytes);
    const parent = this.#pages.parentAt(place);
    if (parent === undefined || parent.leafChildren === false) return;
    parent.touched = true;
    this.#observeLeaf(parent, this.#pages.positionAt(place), hint);
  }

  predict(limit: number): readonly PageNo[] {
    const wanting = this.#scans.wanting();
    if (wanting === undefined) return NONE;
    const leaves = new Set<PageNo>();
    const interiors = new Set<PageNo>();
    for (const scan of wanting) scan.name(this.#pages, this.#peek, limit, leaves, interiors);
    // Interior pages first: they show where to go on.
    return leaves.size + interiors.size === 0 ? NONE : [...new Set([...interiors, ...leaves])];
  }

  reset(): void {
    this.#pages.clear();
    this.#scans.clear();
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
