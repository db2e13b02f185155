import type { PageNo } from "@lacuna/page";
import type { BtreePage } from "./btree-page.ts";
import { CellReader } from "./cell.ts";

/** The overflow pages of one cell, as far as the cell itself tells. */
export interface ChainStart {
  /** Which cell of its page, from 0. */
  readonly cell: number;
  readonly first: PageNo;
  /** How many pages the chain has, the first one included. */
  readonly pages: number;
}

/**
 * The chains of overflow pages that begin on a page, in the order of its cells. Only for pages whose cells have payloads: any
 * but the interior pages of tables, which begin none. File Format, "Cell Payload Overflow Pages".
 * @throws {LacunaError} `CORRUPT_PAGE` if a cell does not fit on the page
 */
export function overflowChains(view: BtreePage): ChainStart[] {
  const chains: ChainStart[] = [];
  if (view.isTable && !view.isLeaf) return chains;
  const cell = new CellReader();
  for (let index = 0; index < view.cellCount; index++) {
    cell.read(view, index);
    if (cell.overflow === undefined) continue;
    const beyond = cell.payloadSize - (cell.localEnd - cell.start);
    chains.push({ cell: index, first: cell.overflow, pages: Math.ceil(beyond / (view.usableSize - 4)) });
  }
  return chains;
}
