import { LacunaError } from "@lacuna/page";
import type { RemoteEncryptionOptions, RemoteOptions } from "./remote-options.ts";

/** Says what was expected if the value is not it. */
export type Check = (value: unknown) => string | undefined;

export const isString: Check = (value) => (typeof value === "string" ? undefined : "a string");
export const isFunction: Check = (value) => (typeof value === "function" ? undefined : "a function");
export const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "true or false");
export const isObject: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "an object";
export const isStringOrFunction: Check = (value) =>
  typeof value === "string" || typeof value === "function" ? undefined : "a string or a function";
export const isStringList: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string") ? undefined : "a list of strings";
export const isSignal: Check = (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal");
export const isIntegerFrom =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least ? undefined : `an integer from ${least}`;
/** Told from a method that each of them has. */
export const isStore: Check = (value) => isFunction(Object(value).put) && "a PageStore";
export const isTransport: Check = (value) => isFunction(Object(value).fetchPages) && "a Transport";
export const isOneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string) ? undefined : `one of ${words.map((word) => `"${word}"`).join(", ")}`;

/** The checks of the options that say where a database lives. */
export const REMOTE_OPTIONS: Readonly<Record<keyof RemoteOptions, Check>> = {
  url: isStringOrFunction,
  authToken: isStringOrFunction,
  remoteEncryption: isObject,
  fetch: isFunction,
  remote: isOneOf("auto", "sync-server", "static", "published"),
  timeoutMs: isIntegerFrom(1),
  attempts: isIntegerFrom(1),
  now: isFunction,
  transport: isTransport,
};

const ENCRYPTION: Readonly<Record<keyof RemoteEncryptionOptions, Check>> = {
  key: isString,
  cipher: isString,
};

export const invalid = (message: string): LacunaError => new LacunaError("INVALID_OPTION", message);

/** @throws {LacunaError} `INVALID_OPTION` naming the first option that is unknown or of the wrong kind */
export function check(where: string, given: object, known: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(given)) {
    const test = Object.hasOwn(known, name) ? known[name] : undefined;
    if (test === undefined) {
      throw invalid(`unknown option ${where}${name}; known are ${Object.keys(known).join(", ")}`);
    }
    const expected = value === undefined ? undefined : test(value);
    if (expected !== undefined)
      throw invalid(`option ${where}${name} must be ${expected}, got ${show(value)}`);
  }
}

export function show(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object"
      ? "an object"
      : String(value);
}

/** @throws {LacunaError} `INVALID_OPTION` for what the options of the remote contradict */
export function checkRemote({ url, transport, remoteEncryption }: RemoteOptions): void {
  if (url !== undefined && transport !== undefined)
    throw invalid("options url and transport exclude each other");
  if (remoteEncryption !== undefined) {
    check("remoteEncryption.", remoteEncryption, ENCRYPTION);
    if (remoteEncryption.key === undefined || remoteEncryption.cipher === undefined) {
      throw invalid("option remoteEncryption needs key and cipher");
    }
  }
}
