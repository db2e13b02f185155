import { type ChainStart, overflowChains, pageKind, parsePage } from "@lacuna/btree";
import { type AccessEvent, isLacunaError, type PageNo, type Predictor } from "@lacuna/page";
import { type ChainCell, ChainRows } from "./chain-rows.ts";
import { atLeast } from "./check-option.ts";
import type { InteriorPages } from "./interior-pages.ts";
import { OverflowChain } from "./overflow-chain.ts";
import type { Peek } from "./peek.ts";
import { interiorPages, type ScanPredictorOptions } from "./scan-predictor.ts";

export interface OverflowPredictorOptions extends Pick<ScanPredictorOptions, "usableSize" | "maxChildren"> {
  /** Shows a page that is here, to see which chains begin on it. Must not wait. */
  readonly peek: Peek;
  /**
   * Pages of a chain to be ahead of its reader at first; doubles while the reader follows.
   * @default 64
   */
  readonly firstWindow?: number | undefined;
  /**
   * The same at most, and the most pages of other chains predicted because a reader goes from cell to cell.
   * @default 1024
   */
  readonly maxWindow?: number | undefined;
}

/** B-tree pages read last, on one of which the chain of a missing page begins. */
const LATEST_PAGES = 8;
/** Chains followed at the same time. */
const MAX_CHAINS = 1024;
/** Pages remembered to belong to a chain; with more, all is forgotten. */
const MAX_PAGES = 16_384;
const NONE: readonly PageNo[] = [];

/**
 * Predicts the rest of a chain of overflow pages when a reader misses a page of it: the cell that the chain belongs to tells how
 * long it is, and its pages are taken to follow each other until they are seen not to. When a reader goes along the chains
 * of one cell after the other, those of the next cells are predicted too, of 1, 2, 4 and so on, as far as the pages of these
 * cells are here.
 *
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function overflowPredictor(options: OverflowPredictorOptions): Predictor {
  return new OverflowPredictor(options, interiorPages(options));
}

export class OverflowPredictor implements Predictor {
  readonly cause = "overflow";
  /** A statement that is run ahead finds where a chain begins, and not how it goes on. */
  readonly beyondPlans = true;
  readonly #usableSize: number;
  readonly #pages: InteriorPages;
  readonly #peek: Peek;
  readonly #firstWindow: number;
  readonly #maxWindow: number;
  /** The B-tree pages a reader was at last, in a ring. */
  #latest: PageNo[] = [];
  #latestAt = 0;
  readonly #chains = new Set<OverflowChain>();
  /** The chain of each page named or reached; one that has turned elsewhere since may still be here. */
  readonly #chainOf = new Map<PageNo, OverflowChain>();
  readonly #rows: ChainRows;

  constructor(options: OverflowPredictorOptions, pages: InteriorPages) {
    this.#usableSize = options.usableSize;
    this.#pages = pages;
    this.#peek = options.peek;
    this.#maxWindow = atLeast(1, "maxWindow", options.maxWindow ?? 1024);
    this.#firstWindow = Math.min(atLeast(1, "firstWindow", options.firstWindow ?? 64), this.#maxWindow);
    const cells = {
      startsOn: (page: PageNo) => this.#startsOn(page),
      beside: (page: PageNo, step: 1 | -1) => pages.leafBeside(page, step),
    };
    this.#rows = new ChainRows(cells, this.#maxWindow);
  }

  observe({ page, bytes, miss }: AccessEvent): void {
    const asked = bytes === undefined && miss;
    const chain = this.#chainAt(page, asked);
    if (chain === undefined) {
      if (bytes !== undefined && pageKind(page, bytes) !== undefined) this.#visit(page, bytes);
      else if (asked) this.#begin(page);
      return;
    }
    if (chain.at !== page) this.#reach(chain, page);
    if (bytes !== undefined && bytes.length >= 4) chain.learn(nextPage(bytes));
  }

  predict(limit: number): readonly PageNo[] {
    if (this.#chains.size === 0) return NONE;
    const named = new Set<PageNo>();
    for (const chain of this.#chains) if (chain.wanting) this.#name(chain, limit, named);
    while (named.size < limit) {
      const start = this.#rows.next();
      if (start === undefined) break;
      const { first, pages } = start;
      if (this.#chainAt(first, true) !== undefined) continue;
      const chain = new OverflowChain(first, pages, Math.min(pages, this.#maxWindow), this.#maxWindow);
      this.#add(chain);
      this.#name(chain, limit, named);
    }
    return named.size === 0 ? NONE : [...named];
  }

  reset(): void {
    this.#latest = [];
    this.#latestAt = 0;
    this.#pages.clear();
    this.#forget();
  }

  #name(chain: OverflowChain, limit: number, named: Set<PageNo>): void {
    for (const page of chain.name(limit - named.size)) {
      named.add(page);
      this.#chainOf.set(page, chain);
    }
  }

  #visit(page: PageNo, bytes: Uint8Array): void {
    if (this.#latest[this.#latestAt] === page) return;
    this.#pages.see(page, bytes);
    this.#latestAt = (this.#latestAt + 1) % LATEST_PAGES;
    this.#latest[this.#latestAt] = page;
  }

  /** @param asked whether the page is missing, which is seldom enough to look closely */
  #chainAt(page: PageNo, asked: boolean): OverflowChain | undefined {
    const known = this.#chainOf.get(page);
    if (known !== undefined && (known.at === page || known.leadsTo(page))) return known;
    if (asked) for (const chain of this.#chains) if (chain.leadsTo(page)) return chain;
    return undefined;
  }

  /** A page is missing that no chain leads to: one may begin there. */
  #begin(page: PageNo): void {
    const cell = this.#cellOf(page);
    const start = cell === undefined ? undefined : this.#startsOn(cell.owner)?.[cell.nth];
    if (cell === undefined || start === undefined) return;
    const chain = new OverflowChain(page, start.pages, this.#firstWindow, this.#maxWindow);
    this.#add(chain);
    this.#reach(chain, page);
  }

  #reach(chain: OverflowChain, page: PageNo): void {
    if (chain.at !== undefined) this.#chainOf.delete(chain.at);
    else {
      const cell = this.#cellOf(page);
      if (cell !== undefined) this.#rows.came(cell);
    }
    chain.reach(page);
    this.#chainOf.set(page, chain);
    if (chain.over) this.#chains.delete(chain);
  }

  #add(chain: OverflowChain): void {
    if (this.#chainOf.size > MAX_PAGES || this.#chains.size >= MAX_CHAINS) this.#forget();
    this.#chains.add(chain);
  }

  #forget(): void {
    this.#chains.clear();
    this.#chainOf.clear();
    this.#rows.clear();
  }

  /** The cell whose chain begins at a page, among those of the pages read last. */
  #cellOf(page: PageNo): ChainCell | undefined {
    for (let back = 0; back < LATEST_PAGES; back++) {
      const owner = this.#latest[(this.#latestAt + LATEST_PAGES - back) % LATEST_PAGES];
      const starts = owner === undefined ? undefined : this.#startsOn(owner);
      const nth = starts?.findIndex(({ first }) => first === page) ?? -1;
      if (owner !== undefined && starts !== undefined && nth >= 0)
        return { owner, nth, count: starts.length };
    }
    return undefined;
  }

  #startsOn(owner: PageNo): readonly ChainStart[] | undefined {
    const bytes = this.#peek(owner);
    if (bytes === undefined) return undefined;
    if (pageKind(owner, bytes) === undefined) return NO_STARTS;
    try {
      return overflowChains(parsePage(owner, bytes, this.#usableSize));
    } catch (error) {
      // An overflow page can begin like a page of a tree.
      if (isLacunaError(error, "CORRUPT_PAGE")) return NO_STARTS;
      throw error;
    }
  }
}

const NO_STARTS: readonly ChainStart[] = [];

const nextPage = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
