import type { PageNo } from "@lacuna/page";
import type { PageRelations } from "./page-relations.ts";

/**
 * The longest chain of pages, each of which can only be asked for once the one before is here, among the pages that one
 * statement touches: the round trips of a reader that knows which pages it will need as soon as their numbers can be known.
 *
 * A page that is here already has level 0. Any other comes one level after the latest of
 *
 * - the page that has its number: its parent in the tree, or the page on which its overflow chain begins. How a chain goes on
 *   stands only in the chain, but may be guessed. The roots of trees stand in the schema;
 * - unless it is a root or an overflow page, the page from which it is known what to look for there. Statements visit their
 *   trees in an order, and the key into one comes from those before it: so that is the page that the statement last visited
 *   of the trees that it came to earlier. Where a statement has the key from elsewhere, this counts a level too many.
 *
 * @param touched pages in the order in which the statement first touched them
 * @param isHere whether the page was here before the statement
 */
export function dependentLevels(
  touched: readonly PageNo[],
  isHere: (page: PageNo) => boolean,
  relations: PageRelations,
): number {
  const levels = new Map<PageNo, number>();
  const levelOf = (page: PageNo | undefined): number => (page === undefined ? 0 : (levels.get(page) ?? 0));
  const trees: PageNo[] = [];
  const latestLevel: number[] = [];
  let schemaLevel = 0;
  let deepest = 0;
  for (const page of touched) {
    const place = relations.visit(page);
    const tree = place?.tree ?? page;
    let order = trees.indexOf(tree);
    if (order < 0) {
      order = trees.push(tree) - 1;
      latestLevel.push(0);
    }
    const keyLevel =
      place === undefined || place.parent === undefined || place.isOverflow
        ? 0
        : Math.max(0, ...latestLevel.slice(0, order));
    const isRoot = place?.parent === undefined;
    const level = isHere(page)
      ? 0
      : 1 + Math.max(isRoot && page !== 1 ? schemaLevel : levelOf(place?.parent), keyLevel);
    levels.set(page, level);
    if (place?.isOverflow !== true) latestLevel[order] = level;
    if (tree === 1) schemaLevel = Math.max(schemaLevel, level);
    deepest = Math.max(deepest, level);
  }
  return deepest;
}
