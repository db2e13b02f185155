import type { PageNo } from "@lacuna/page";
import { readU32 } from "../big-endian.ts";
import type { CheckContext, Reading } from "./check-context.ts";

/** Walks the freelist. File Format, "The Freelist". */
export function* checkFreelist(context: CheckContext): Reading<void> {
  const { header, format } = context;
  let from: [PageNo, number] = [1 as PageNo, 32];
  let next: number = header.firstFreelistTrunk ?? 0;
  let count = 0;
  while (next !== 0) {
    const trunk = context.claim(next, "freelist-trunk", from, undefined, from[0]);
    if (trunk === undefined) return;
    count++;
    const bytes = yield trunk;
    const leaves = readU32(bytes, 4);
    // Eight bytes for the trunk itself, four for each leaf.
    const most = Math.floor(format.usableSize / 4) - 2;
    if (leaves > most) context.report(trunk, 4, `expected at most ${most} freelist leaves, found ${leaves}`);
    for (let leaf = 0; leaf < Math.min(leaves, most); leaf++) {
      const at = 8 + 4 * leaf;
      if (context.claim(readU32(bytes, at), "freelist-leaf", [trunk, at], undefined, trunk) !== undefined)
        count++;
    }
    from = [trunk, 0];
    next = readU32(bytes, 0);
  }
  if (count !== header.freelistCount) {
    context.report(1 as PageNo, 36, `expected ${header.freelistCount} pages on the freelist, found ${count}`);
  }
}
