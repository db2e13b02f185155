import { childPages, pageKind } from "@lacuna/btree";
import { type AccessEvent, type PageNo, PageSet, type Predictor } from "@lacuna/page";
import { atLeast, checkUsableSize } from "./check-option.ts";

export interface ChildrenPredictorOptions {
  /** Bytes of a page that are SQLite's. */
  readonly usableSize: number;
  /**
   * An interior page with at most so many children has them predicted.
   * @default 4
   */
  readonly wholeUpTo?: number | undefined;
}

/** Interior pages remembered as done, at most. */
const MAX_REMEMBERED = 4096;

/**
 * Predicts all children of an interior page that has few, when a reader comes to it the first time: whichever of them is
 * wanted, the others cost less than another round trip.
 *
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function childrenPredictor(options: ChildrenPredictorOptions): Predictor {
  return new ChildrenPredictor(options);
}

class ChildrenPredictor implements Predictor {
  readonly cause = "children";
  /** It is about those who come later. */
  readonly beyondPlans = true;
  readonly #usableSize: number;
  readonly #wholeUpTo: number;
  readonly #done = new PageSet();
  #wanted: PageNo[] = [];

  constructor(options: ChildrenPredictorOptions) {
    this.#usableSize = checkUsableSize(options.usableSize);
    this.#wholeUpTo = atLeast(1, "wholeUpTo", options.wholeUpTo ?? 4);
  }

  observe({ page, bytes }: AccessEvent): void {
    if (bytes === undefined || pageKind(page, bytes)?.endsWith("interior") !== true) return;
    if (this.#done.has(page)) return;
    if (this.#done.size >= MAX_REMEMBERED) this.#done.clear();
    this.#done.add(page);
    const children = childPages(page, bytes, this.#usableSize);
    if (children === undefined || children.length > this.#wholeUpTo) return;
    this.#wanted = [...new Set(children)];
  }

  predict(limit: number): readonly PageNo[] {
    return this.#wanted.length === 0 ? this.#wanted : this.#wanted.splice(0, limit);
  }

  reset(): void {
    this.#done.clear();
    this.#wanted = [];
  }
}
