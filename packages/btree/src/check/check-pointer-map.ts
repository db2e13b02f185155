import type { PageNo } from "@lacuna/page";
import { readU32 } from "../big-endian.ts";
import type { CheckContext, Reading } from "./check-context.ts";
import { pointerMapPages } from "./pointer-map.ts";

/** The type and parent that the pointer map must have for a page; `undefined` where it has no say. */
function entryOf(context: CheckContext, page: PageNo): readonly [number, number] | undefined {
  const { map } = context;
  const parent = map.parent(page) ?? 0;
  switch (map.use(page)) {
    case "unknown":
    case "lock-byte":
    case "pointer-map":
      return undefined;
    case "freelist-trunk":
    case "freelist-leaf":
      return [2, 0];
    case "overflow":
      return [map.use(parent as PageNo) === "overflow" ? 4 : 3, parent];
    default:
      return parent === 0 ? [1, 0] : [5, parent];
  }
}

/** Checks the pointer map against what the walk found. File Format, "Pointer Map or Ptrmap Pages". */
export function* checkPointerMap(context: CheckContext): Reading<void> {
  const { header, format } = context;
  let largestRoot = 1;
  for (const { page, first, last } of pointerMapPages(header, format.pageCount)) {
    const bytes = yield page;
    for (let entry: number = first; entry <= Math.min(last, format.pageCount); entry++) {
      const at = 5 * (entry - first);
      const expected = entryOf(context, entry as PageNo);
      if (expected === undefined) continue;
      const found = [bytes[at], readU32(bytes, at + 1)] as const;
      if (expected[0] === 1) largestRoot = Math.max(largestRoot, entry);
      if (found[0] !== expected[0] || found[1] !== expected[1]) {
        context.report(
          page,
          at,
          `expected type ${expected[0]} and parent ${expected[1]} for page ${entry}, found ${found[0]} and ${found[1]}`,
        );
      }
    }
  }
  const said = header.largestRootPage;
  if (said !== undefined && context.findings.length === 0 && said !== largestRoot) {
    context.report(1 as PageNo, 52, `expected ${largestRoot} as the largest root page, found ${said}`);
  }
}
