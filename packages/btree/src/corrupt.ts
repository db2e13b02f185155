import { LacunaError, type PageNo } from "@lacuna/page";

/** The error for bytes that contradict the file format. `offset` counts from the start of the page. */
export function corruptPage(page: PageNo, offset: number, message: string): LacunaError {
  return new LacunaError("CORRUPT_PAGE", `${message} at offset ${offset}`, { page, offset });
}
