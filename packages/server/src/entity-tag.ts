import type { Revision } from "@lacuna/page";
import type { Asked } from "./asked.ts";
import { Refusal } from "./json-answer.ts";

/** The strong entity tag of a revision. */
export function entityTag(revision: Revision): string {
  return `"${encodeURIComponent(revision)}"`;
}

/**
 * Looks at the conditions of a request. RFC 9110, "Preconditions".
 * @returns `"not-modified"` if the client's copy is the current one
 * @throws {Refusal} 412 if the client insists on another state
 */
export function checkConditions(headers: Asked["headers"], tag: string): "not-modified" | undefined {
  const wanted = headers.get("if-match");
  if (wanted !== null && !matches(wanted, (candidate) => candidate === tag)) {
    throw new Refusal(412, "REVISION_CHANGED", `the file is now ${tag}, not ${wanted}`, { etag: tag });
  }
  const held = headers.get("if-none-match");
  if (held !== null && matches(held, (candidate) => candidate === tag || candidate === `W/${tag}`)) {
    return "not-modified";
  }
  return undefined;
}

/** Whether a range may be answered as one: with `If-Range`, only if the client's copy is the current one. */
export function rangeHolds(headers: Asked["headers"], tag: string): boolean {
  const condition = headers.get("if-range");
  // A date is no strong validator: two commits may share a second.
  return condition === null || condition === tag;
}

function matches(header: string, same: (tag: string) => boolean): boolean {
  if (header.trim() === "*") return true;
  return header.split(",").some((candidate) => same(candidate.trim()));
}
