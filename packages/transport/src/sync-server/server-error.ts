import { LacunaError } from "@lacuna/page";
import { type HttpAnswer, quote } from "../http-answer.ts";
import { HttpStatusError } from "../http-status-error.ts";

/** Statuses of a server that has no SQL over HTTP. */
const NO_SQL = new Set([404, 405, 501]);

/** Statuses that say: not this request, rather than: not now, not you, not here. */
const REFUSALS = new Set([400, 405, 409, 422, 501]);

/**
 * The error for an answer of a sync server that is not 200. Servers send text, or JSON with a `code` and a `message`.
 * @param asked what the request was for
 */
export async function serverError(
  answer: HttpAnswer,
  asked: "newest" | "query" | "pinned" | "sql",
): Promise<LacunaError> {
  const { status, url } = answer;
  const { code, text } = readBody(await answer.beginning());
  const facts = { status, url };
  if (status < 400) {
    return new HttpStatusError(
      "HTTP_STATUS",
      `200 expected from ${url}, found ${status}${quote(text)}`,
      facts,
    );
  }
  if (code === "REVISION_CHANGED" || (status === 410 && asked !== "newest")) {
    return new LacunaError("REVISION_CHANGED", `the server no longer has the revision${quote(text)}`, facts);
  }
  if (code === "NOT_SUPPORTED" || (asked === "query" && REFUSALS.has(status))) {
    return new LacunaError("NOT_SUPPORTED", `the server refused with ${status}${quote(text)}`, facts);
  }
  if (asked === "sql" && NO_SQL.has(status)) {
    return new LacunaError("NOT_SUPPORTED", `the server takes no SQL: ${status}${quote(text)}`, facts);
  }
  return answer.statusError(text);
}

function readBody(text: string): { code: string | undefined; text: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { code: undefined, text };
  }
  if (typeof value !== "object" || value === null) return { code: undefined, text };
  const code = "code" in value && typeof value.code === "string" ? value.code : undefined;
  const message = "message" in value ? value.message : "error" in value ? value.error : undefined;
  return { code, text: typeof message === "string" ? message : text };
}
