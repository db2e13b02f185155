import { LacunaError } from "@lacuna/page";
import type {
  BootstrapStrategy,
  ConnectOptions,
  PartialSyncOptions,
  RemoteEncryptionOptions,
} from "./options.ts";

/** Options whose meaning needs writing, which this version does not offer: better refused than ignored. */
const OF_WRITING = [
  "clientName",
  "transform",
  "longPollTimeoutMs",
  "pushOperationsThreshold",
  "remoteWritesExperimental",
  "logicalMvccPull",
  "bootstrapIfEmpty",
  "tracing",
];

type Check = (value: unknown) => string | undefined;

const isString: Check = (value) => (typeof value === "string" ? undefined : "a string");
const isFunction: Check = (value) => (typeof value === "function" ? undefined : "a function");
const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "true or false");
const isObject: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "an object";
const isStringOrFunction: Check = (value) =>
  typeof value === "string" || typeof value === "function" ? undefined : "a string or a function";
const isStringList: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string") ? undefined : "a list of strings";
const isSignal: Check = (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal");
const isIntegerFrom =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least ? undefined : `an integer from ${least}`;
const isOneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string) ? undefined : `one of ${words.map((word) => `"${word}"`).join(", ")}`;

const OPTIONS: Readonly<Record<keyof ConnectOptions, Check>> = {
  path: isString,
  url: isStringOrFunction,
  authToken: isStringOrFunction,
  partialSync: isObject,
  partialSyncExperimental: isObject,
  pullBytesThreshold: isIntegerFrom(1),
  remoteEncryption: isObject,
  experimental: isStringList,
  fetch: isFunction,
  remote: isOneOf("auto", "sync-server", "static"),
  timeoutMs: isIntegerFrom(1),
  attempts: isIntegerFrom(1),
  memoryBytes: isIntegerFrom(0),
  store: isObject,
  transport: isObject,
  onProgress: isFunction,
  signal: isSignal,
  driver: isOneOf("auto", "jspi", "restart"),
  wasm: (value) => (value === null ? "WebAssembly" : undefined),
  readers: isIntegerFrom(1),
  doubleQuotedStrings: isBoolean,
};

const PARTIAL: Readonly<Record<keyof PartialSyncOptions, Check>> = {
  bootstrapStrategy: isObject,
  segmentSize: isIntegerFrom(1),
  prefetch: isBoolean,
};

const ENCRYPTION: Readonly<Record<keyof RemoteEncryptionOptions, Check>> = {
  key: isString,
  cipher: isString,
};

const invalid = (message: string): LacunaError => new LacunaError("INVALID_OPTION", message);

function check(where: string, given: object, known: Readonly<Record<string, Check>>): void {
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

function show(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object"
      ? "an object"
      : String(value);
}

/** The options as given, after every one of them was found known, of the right kind and free of contradictions. */
export interface CheckedOptions extends ConnectOptions {
  readonly partialSyncExperimental?: undefined;
}

/**
 * @throws {LacunaError} `INVALID_OPTION` naming the option that is unknown, of the wrong kind, out of range, or in
 *   contradiction to another; `NOT_SUPPORTED` for an option of writing, which this version does not offer
 */
export function checkOptions(options: ConnectOptions): CheckedOptions {
  if (isObject(options) !== undefined) throw invalid("connect needs an object of options");
  for (const name of OF_WRITING) {
    if ((options as unknown as Record<string, unknown>)[name] !== undefined) {
      throw new LacunaError(
        "NOT_SUPPORTED",
        `option ${name} belongs to writing and pushing, which this version cannot`,
      );
    }
  }
  const { partialSyncExperimental: alias, ...rest } = options;
  check("", options, OPTIONS);
  if (options.path === undefined || options.path === "")
    throw invalid('option path must be a file name or ":memory:"');
  if (alias !== undefined && rest.partialSync !== undefined) {
    throw invalid("options partialSync and partialSyncExperimental are two names of one thing: give one");
  }
  const checked: CheckedOptions = alias === undefined ? rest : { ...rest, partialSync: alias };
  checkContradictions(checked);
  return checked;
}

function checkContradictions(options: CheckedOptions): void {
  const { partialSync, remoteEncryption, url, transport } = options;
  if (url !== undefined && transport !== undefined)
    throw invalid("options url and transport exclude each other");
  if (partialSync !== undefined) {
    check("partialSync.", partialSync, PARTIAL);
    checkStrategy(partialSync.bootstrapStrategy);
    if (options.pullBytesThreshold !== undefined) {
      throw invalid(
        "option pullBytesThreshold is about bringing the whole database, and partialSync about not doing so",
      );
    }
  }
  if (remoteEncryption !== undefined) {
    check("remoteEncryption.", remoteEncryption, ENCRYPTION);
    if (remoteEncryption.key === undefined || remoteEncryption.cipher === undefined) {
      throw invalid("option remoteEncryption needs key and cipher");
    }
  }
  const remoteOnly = ["authToken", "fetch", "remote", "remoteEncryption", "partialSync"] as const;
  if (url === undefined && transport === undefined) {
    for (const name of remoteOnly) {
      if (options[name] !== undefined) throw invalid(`option ${name} needs a url`);
    }
  }
}

function checkStrategy(strategy: BootstrapStrategy | undefined): void {
  if (strategy === undefined) return;
  const where = "partialSync.bootstrapStrategy.";
  if (strategy.kind === "prefix") {
    check(where, strategy, { kind: isString, length: isIntegerFrom(0) });
    if (strategy.length === undefined) throw invalid(`option ${where}length must be an integer from 0`);
  } else if (strategy.kind === "query") {
    check(where, strategy, { kind: isString, query: isString });
    if (strategy.query === undefined) throw invalid(`option ${where}query must be a string`);
  } else {
    const kind = (strategy as { kind?: unknown }).kind;
    throw invalid(`option ${where}kind must be "prefix" or "query", got ${show(kind)}`);
  }
}
