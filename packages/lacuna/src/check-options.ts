import {
  type Check,
  check,
  checkRemote,
  invalid,
  isBoolean,
  isFunction,
  isIntegerFrom,
  isObject,
  isOneOf,
  isSignal,
  isStore,
  isString,
  isStringList,
  REMOTE_OPTIONS,
  show,
} from "./option-check.ts";
import type { BootstrapStrategy, ConnectOptions, PartialSyncOptions, PrefetchReason } from "./options.ts";
import type { StorageOptions } from "./storage-options.ts";

const OPTIONS: Readonly<Record<keyof ConnectOptions, Check>> = {
  path: isString,
  ...REMOTE_OPTIONS,
  partialSync: isObject,
  partialSyncExperimental: isObject,
  pullBytesThreshold: isIntegerFrom(1),
  bootstrapIfEmpty: isBoolean,
  clientName: isString,
  transform: isFunction,
  longPollTimeoutMs: isIntegerFrom(0),
  pushOperationsThreshold: isIntegerFrom(1),
  remoteWrites: isBoolean,
  remoteWritesExperimental: isBoolean,
  durability: isOneOf("durable", "relaxed"),
  logicalMvccPull: (value) => (value === false ? undefined : "false: only pages are pulled"),
  tracing: isOneOf("error", "warn", "info", "debug", "trace"),
  experimental: isStringList,
  memoryBytes: isIntegerFrom(0),
  maxBytes: isIntegerFrom(1 << 20),
  storage: isObject,
  tabs: isOneOf("share", "exclusive"),
  store: isStore,
  onProgress: isFunction,
  onPages: isFunction,
  signal: isSignal,
  driver: isOneOf("auto", "jspi", "restart"),
  wasm: (value) => (value === null ? "WebAssembly" : undefined),
  readers: (value) =>
    isIntegerFrom(1)(value) === undefined && (value as number) <= 64 ? undefined : "an integer from 1 to 64",
  doubleQuotedStrings: isBoolean,
};

const REASONS: readonly PrefetchReason[] = [
  "run-ahead",
  "overflow",
  "scan",
  "index-rows",
  "children",
  "history",
];

const STORAGE: Readonly<Record<keyof StorageOptions, Check>> = {
  kind: isOneOf("auto", "opfs", "indexeddb"),
  compress: isBoolean,
  persist: isBoolean,
  worker: isFunction,
};

const PARTIAL: Readonly<Record<keyof PartialSyncOptions, Check>> = {
  bootstrapStrategy: isObject,
  segmentSize: (value) =>
    value === "auto" || isIntegerFrom(1)(value) === undefined ? undefined : 'an integer from 1 or "auto"',
  prefetch: (value) => {
    if (Array.isArray(value) && value.every((cause) => REASONS.includes(cause))) return undefined;
    return isBoolean(value) === undefined ? undefined : `true, false or a list of ${REASONS.join(", ")}`;
  },
};

/** The options as given, after every one of them was found known, of the right kind and free of contradictions. */
export interface CheckedOptions extends ConnectOptions {
  readonly partialSyncExperimental?: undefined;
  readonly remoteWritesExperimental?: undefined;
}

/**
 * @throws {LacunaError} `INVALID_OPTION` naming the option that is unknown, of the wrong kind, out of range, or in
 *   contradiction to another
 */
export function checkOptions(options: ConnectOptions): CheckedOptions {
  if (isObject(options) !== undefined) throw invalid("connect needs an object of options");
  const { partialSyncExperimental: alias, remoteWritesExperimental: remoteWrites, ...rest } = options;
  check("", options, OPTIONS);
  if (options.path === undefined || options.path === "")
    throw invalid('option path must be a file name or ":memory:"');
  if (alias !== undefined && rest.partialSync !== undefined) {
    throw invalid("options partialSync and partialSyncExperimental are two names of one thing: give one");
  }
  if (remoteWrites !== undefined && rest.remoteWrites !== undefined) {
    throw invalid("options remoteWrites and remoteWritesExperimental are two names of one thing: give one");
  }
  const checked: CheckedOptions = {
    ...rest,
    ...(alias === undefined ? {} : { partialSync: alias }),
    ...(remoteWrites === undefined ? {} : { remoteWrites }),
  };
  checkContradictions(checked);
  return checked;
}

function checkContradictions(options: CheckedOptions): void {
  const { partialSync, url, transport } = options;
  checkRemote(options);
  if (typeof url === "function" && !["sync-server", "auto"].includes(options.remote ?? "auto"))
    throw invalid('option remote must be "sync-server" where url is a function');
  if (options.storage !== undefined) check("storage.", options.storage, STORAGE);
  if (options.maxBytes !== undefined && partialSync === undefined && (url ?? transport) !== undefined)
    throw invalid("option maxBytes needs partialSync: without it the whole database is kept");
  if (partialSync !== undefined) {
    check("partialSync.", partialSync, PARTIAL);
    checkStrategy(partialSync.bootstrapStrategy);
    if (options.pullBytesThreshold !== undefined) {
      throw invalid(
        "option pullBytesThreshold is about bringing the whole database, and partialSync about not doing so",
      );
    }
  }
  const remoteOnly = [
    "authToken",
    "fetch",
    "remote",
    "remoteEncryption",
    "partialSync",
    "transform",
    "longPollTimeoutMs",
    "pushOperationsThreshold",
    "remoteWrites",
  ] as const;
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
