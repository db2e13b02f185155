import {
  type Check,
  check,
  checkRemote,
  invalid,
  isBoolean,
  isIntegerFrom,
  isObject,
  isSignal,
  isStore,
  isString,
  REMOTE_OPTIONS,
} from "../option-check.ts";
import type { RemoteOptions } from "../remote-options.ts";
import type { OpenOptions } from "./options.ts";

const { url: isUrl, ...REMOTE } = REMOTE_OPTIONS;

const OPTIONS: Readonly<Record<keyof OpenOptions, Check>> = {
  ...REMOTE,
  path: isString,
  store: isStore,
  prefixBytes: isIntegerFrom(0),
  segmentSize: isIntegerFrom(1),
  memoryBytes: isIntegerFrom(0),
  bigints: isBoolean,
  signal: isSignal,
};

/** @throws {LacunaError} `INVALID_OPTION` naming the option that is unknown, of the wrong kind or contradictory */
export function checkOpenOptions(url: RemoteOptions["url"], options: OpenOptions): void {
  if (isObject(options) !== undefined) throw invalid("open needs an object of options");
  check("", { url }, { url: isUrl });
  check("", options, OPTIONS);
  if (options.path === "") throw invalid('option path must be a file name or ":memory:"');
  checkRemote({ ...options, url });
}
