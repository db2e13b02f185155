import type { PageNo } from "@lacuna/page";

/** Shows a page that is here without reading it from afar, and without counting as its reader. */
export type Peek = (page: PageNo) => Uint8Array | undefined;
