import type { PageNo } from "@lacuna/page";
import type { PrefetchSnapshot, Snapshot } from "@lacuna/pager";

/**
 * Shows a page that is here without counting as its reader. The bytes are valid in this turn only.
 * @param into where they may be put
 */
export type Glance = (page: PageNo, into?: Uint8Array) => Uint8Array | undefined;

/** Glances at a snapshot, or peeks where that makes no difference. */
export function glanceOf(snapshot: Snapshot | PrefetchSnapshot): Glance {
  return "glance" in snapshot && snapshot.glance !== undefined
    ? (page, into) => snapshot.glance?.(page, into)
    : (page) => snapshot.peek(page);
}
