import type { BtreePage, Rowid } from "@lacuna/btree";
import { encodeRecord, entryValues } from "@lacuna/btree/write";
import type { Pointers, Shadow } from "./shadow.ts";

/** The node at the top. */
const ROOT: Rowid = 1;
/** Bytes of a node before its entries: how deep the tree is, in the root alone, and how many entries there are. */
const HEAD_BYTES = 4;
const ID_BYTES = 8;
const COORDINATE_BYTES = 4;
/** Entries of a node at most, and bytes that a page must have beyond a node. */
const MOST_ENTRIES = 51;
const MARGIN_BYTES = 64;
/** Nodes remembered. */
const MOST_NODES = 8192;
/** As many others are looked for at least, if there are. */
const MOST_POINTERS = 65_536;

/**
 * What an R-Tree expects of its tables. A search goes down to every node that its range meets: made up like this, they have
 * no entries, so it goes on to the next of those above, and names the pages of all.
 */
export function spatialShadows(
  owner: string,
  given: readonly string[],
  pageSize: number,
): Record<string, Shadow> {
  const coordinates = given.filter((each) => !each.trimStart().startsWith("+")).length - 1;
  const entryBytes = ID_BYTES + COORDINATE_BYTES * coordinates;
  const nodeBytes = Math.min(pageSize - MARGIN_BYTES, HEAD_BYTES + MOST_ENTRIES * entryBytes);
  const whole = encodeRecord([null, new Uint8Array(nodeBytes)]);
  const restBytes = nodeBytes - HEAD_BYTES;
  const record = whole.subarray(0, whole.length - restBytes);
  return {
    node: {
      owner,
      record: { of: () => record, mostBytes: record.length, restBytes },
      pointsTo: "node",
      pointers: () => new Nodes(entryBytes),
    },
    rowid: { owner, mayLack: true },
  };
}

interface Node {
  /** Above the leaves, if it is the root. */
  readonly depth: number;
  /** Of nodes below, or of what is found. */
  readonly ids: readonly number[];
}

/** The nodes that were read, and so which others there are. */
class Nodes implements Pointers {
  readonly #entryBytes: number;
  readonly #nodes = new Map<Rowid, Node>();

  constructor(entryBytes: number) {
    this.#entryBytes = entryBytes;
  }

  see(view: BtreePage): void {
    if (!view.isLeaf) return;
    for (let cell = 0; cell < view.cellCount; cell++) {
      const node = entryValues(view, cell)?.[1];
      if (node instanceof Uint8Array && this.#nodes.size < MOST_NODES)
        this.#nodes.set(view.rowid(cell), this.#parse(node));
    }
  }

  #parse(bytes: Uint8Array): Node {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const depth = view.byteLength < HEAD_BYTES ? 0 : view.getUint16(0);
    const count = view.byteLength < HEAD_BYTES ? 0 : view.getUint16(2);
    const ids: number[] = [];
    for (let at = HEAD_BYTES; ids.length < count && at + ID_BYTES <= bytes.length; at += this.#entryBytes)
      ids.push(Number(view.getBigInt64(at)));
    return { depth, ids };
  }

  rowids(): Rowid[] {
    const root = this.#nodes.get(ROOT);
    const all = new Set<Rowid>([ROOT]);
    let level = [ROOT];
    for (let depth = root?.depth ?? 0; depth > 0 && level.length > 0 && all.size < MOST_POINTERS; depth--) {
      level = level.flatMap((id) => this.#nodes.get(id)?.ids ?? []).filter((id) => !all.has(id));
      for (const id of level) all.add(id);
    }
    return [...all];
  }
}
