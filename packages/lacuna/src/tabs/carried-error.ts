import { isLacunaError, LacunaError, type LacunaErrorCode } from "@lacuna/page";
import { SqlError } from "@lacuna/sqlite";
import { ChangeError } from "@lacuna/sync";

/** An error in a form that can be cloned without losing what it is. */
export interface CarriedError {
  readonly lacuna?: Readonly<Record<string, unknown>> & { readonly code: string; readonly message: string };
  /** Any other error, as the platform clones it. */
  readonly other?: unknown;
}

const FACTS = [
  "code",
  "message",
  "page",
  "offset",
  "status",
  "url",
  "path",
  // Of SqlError and ChangeError.
  "resultCode",
  "sqliteCode",
  "sqlOffset",
  "change",
] as const;

export function carry(error: unknown): CarriedError {
  if (!isLacunaError(error)) return { other: cloneable(error) };
  const { code, message } = error;
  const facts: Record<string, unknown> = {};
  for (const name of FACTS) if (name in error) facts[name] = Reflect.get(error, name);
  return { lacuna: { ...facts, code, message } };
}

/** The error as it was, of the same class. Its cause stays where it happened. */
export function uncarry({ lacuna, other }: CarriedError): unknown {
  if (lacuna === undefined) return other;
  const error = new LacunaError(lacuna.code as LacunaErrorCode, lacuna.message);
  // The constructors make messages out of facts; here the message is made already.
  if (lacuna.code === "SQL") Object.setPrototypeOf(error, SqlError.prototype);
  if (lacuna.code === "PUSH_REJECTED" || lacuna.code === "PULL_CONFLICT")
    Object.setPrototypeOf(error, ChangeError.prototype);
  return Object.assign(error, lacuna);
}

function cloneable(error: unknown): unknown {
  try {
    return structuredClone(error);
  } catch {
    return new Error(String(error));
  }
}
