import type { PageNo } from "@lacuna/page";

/** Shows a page that is here without counting as its reader. The bytes are valid in this turn only. */
export type Glance = (page: PageNo) => Uint8Array | undefined;
