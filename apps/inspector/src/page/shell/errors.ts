import { element } from "./dom.ts";

/** What to look at first, for errors whose cause is usually elsewhere than where they are seen. */
const HINTS: Readonly<Record<string, string>> = {
  NETWORK:
    "The remote could not be reached. Is it running, and does it let pages of other origins in (CORS headers, with range and etag)?",
  TIMEOUT:
    "The remote gave no sign of life in time. Running the statement again goes on from the pages that are here.",
  UNAUTHORIZED: "The remote wants other credentials.",
  NOT_A_DATABASE: "What is at this address is no SQLite database.",
  RANGE_UNSUPPORTED:
    "The host does not answer range requests as it should, so pages cannot be had one by one.",
  REVISION_CHANGED: "The database has changed at the remote. Run the statement again to see its new state.",
  OFFLINE: "This page of the database is not here, and there is no remote to ask.",
  LOCKED:
    "Another tab has this database open and keeps its pages. Close it there, or do not keep pages here.",
  INVALID_OPTION: "Something about how to connect is not as it should be.",
};

/** The code of an error, in the words of its type. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "ERROR";
  const { code, sqliteCode } = error as Error & { code?: unknown; sqliteCode?: unknown };
  if (typeof sqliteCode === "string") return sqliteCode;
  return typeof code === "string" ? code : error.name;
}

/** An error as its code, its message and what to look at. */
export function errorContent(error: unknown, during: string): HTMLElement[] {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const hint = Object.hasOwn(HINTS, code) ? HINTS[code] : undefined;
  return [
    element("p", {}, element("code", {}, code), element("b", {}, during)),
    element("p", { class: "message" }, message),
    ...(hint === undefined ? [] : [element("p", { class: "hint" }, hint)]),
  ];
}
