import { LacunaError } from "@lacuna/page";
import type { HttpAnswer } from "./http-answer.ts";

/**
 * Refuses a login page, or the front page of an application that some hosts send instead of a 404.
 * @throws {LacunaError} `NOT_A_DATABASE`
 */
export function refuseWebPage(answer: HttpAnswer): void {
  const { mediaType, url, status } = answer;
  if (mediaType !== "text/html" && mediaType !== "application/xhtml+xml") return;
  throw new LacunaError(
    "NOT_A_DATABASE",
    `a SQLite database expected at ${url}, found a web page (${mediaType}): is it the URL of the file itself, and public?`,
    { status, url },
  );
}
