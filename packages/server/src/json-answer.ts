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

export function refusalAnswer({ status, code, message, headers }: Refusal): Reply {
  return jsonAnswer({ code, message }, status, headers);
}

/** What an error is answered with. One that is nobody's fault but ours is a 500, and `report` hears of it. */
export function errorAnswer(error: unknown, report: (error: unknown) => void): Reply {
  const refusal = refusalFor(error);
  if (refusal !== undefined) return refusalAnswer(refusal);
  report(error);
  const code = isLacunaError(error) ? error.code : "INTERNAL";
  const message = "the server cannot read the database; its operator can see why";
  return refusalAnswer(new Refusal(500, code, message));
}

function refusalFor(error: unknown): Refusal | undefined {
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
