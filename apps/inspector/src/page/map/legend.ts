import type { PageLedger } from "../pages/page-ledger.ts";
import { STATE_WORDS } from "../pages/page-state.ts";
import type { TreeMap } from "../pages/tree-map.ts";
import { type TreeRow, treeRows } from "../pages/tree-table.ts";
import { element } from "../shell/dom.ts";
import { count, percent } from "../shell/numbers.ts";
import { treeColor } from "./map-colors.ts";

/** The colours in use with the number of their pages. */
export function legendItems(
  ledger: PageLedger,
  trees: TreeMap | undefined,
  by: "state" | "tree",
): HTMLElement[] {
  if (by === "state") {
    return [...ledger.counts()].map(([state, pages]) => {
      const swatch = element("i", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = `var(--state-${state.replaceAll(" ", "-")})`;
      const [short, long] = STATE_WORDS[state];
      return element("li", { title: long }, swatch, short, element("b", {}, count(pages)));
    });
  }
  return treeRows(ledger, trees).map(({ tree, here, pages }) => {
    const swatch = element("i", { class: "swatch", "aria-hidden": "true" });
    const index = tree === undefined ? undefined : trees?.trees.indexOf(tree);
    swatch.style.background = index === undefined ? "var(--state-local)" : treeColor(index);
    const numbers = element("b", {}, `${count(here)} / ${count(pages)}`);
    return element("li", { title: "here / known to belong to it" }, swatch, treeName(tree), numbers);
  });
}

/** The map in words and numbers: a table of pages by tree. */
export function mapTable(ledger: PageLedger, trees: TreeMap | undefined): HTMLTableElement {
  const heads = [
    "Tree",
    "Kind",
    "Root",
    "Pages",
    "Here",
    "Local",
    "Demanded",
    "Segment",
    "Prefetched",
    "Wasted",
  ];
  const body = treeRows(ledger, trees).map((row) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, treeName(row.tree)),
      element("td", {}, kindWords(row.tree)),
      element("td", { class: "number" }, row.tree?.root === undefined ? "" : count(row.tree.root)),
      ...numbersOf(row).map((text) => element("td", { class: "number" }, text)),
    ),
  );
  return element(
    "table",
    { class: "grid" },
    element("caption", { class: "hidden" }, "Pages by tree and by why they came"),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...heads.map((head, at) =>
          element("th", { scope: "col", class: at > 1 ? "number" : undefined }, head),
        ),
      ),
    ),
    element("tbody", {}, ...body),
  );
}

const treeName = (tree: TreeRow["tree"]): string => tree?.name ?? "not known yet";

function kindWords(tree: TreeRow["tree"]): string {
  if (tree === undefined || tree.kind === "other") return "";
  return tree.of === undefined ? "table" : `index of ${tree.of}`;
}

function numbersOf({ pages, here, local, demanded, segment, prefetched, wasted }: TreeRow): string[] {
  const share = here === 0 ? "0" : `${count(here)} (${percent(here, pages)})`;
  return [count(pages), share, ...[local, demanded, segment, prefetched, wasted].map(count)];
}
