import { isLacunaError } from "@lacuna/page";
import type { Reply } from "./reply.ts";

const utf8 = new TextEncoder();

/** A refusal on its way to becoming an answer: an HTTP status with a code for programs and a message for people. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function jsonAnswer(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { ...headers, "content-type": "application/json", "cache-control": "no-store" },
    body: utf8.encode(`${JSON.stringify(value)}\n`),
  };
}

/** What an error is answered with; `undefined` for one that is nobody's fault but ours. */
export function refusalFor(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (!isLacunaError(error)) return undefined;
  switch (error.code) {
    case "PROTOCOL":
    case "NOT_SUPPORTED":
      return new Refusal(400, error.code, error.message);
    case "REVISION_CHANGED":
      return new Refusal(410, error.code, error.message);
    case "BUSY":
    case "CLOSED":
      return new Refusal(503, error.code, error.message, { "retry-after": "1" });
    default:
      return undefined;
  }
}
