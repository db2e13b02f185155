import { describe } from "vitest";
import {
  canSuspend,
  type DriverName,
  openSqlite,
  type SqlDatabase,
  type SqliteOptions,
} from "../src/index.ts";
import { BytesSource, type BytesSourceOptions } from "./bytes-source.ts";

/** What this runtime can run; Node 22 has no `jspi`. */
export const DRIVERS: readonly DriverName[] = canSuspend() ? ["jspi", "restart"] : ["restart"];

/** The same tests with every driver. */
export function describeDrivers(name: string, tests: (driver: DriverName) => void): void {
  describe.each(DRIVERS)(`${name}, driver %s`, (driver) => tests(driver));
}

export interface Opened {
  readonly db: SqlDatabase;
  readonly source: BytesSource;
}

/** Opens bytes, by default with no page in memory. */
export async function openBytes(
  bytes: Uint8Array,
  driver: DriverName,
  options: BytesSourceOptions & Partial<SqliteOptions> = {},
): Promise<Opened> {
  const { resident = "none", forgetful, revision, ...rest } = options;
  const source = new BytesSource(bytes, {
    resident,
    ...(forgetful === undefined ? {} : { forgetful }),
    ...(revision === undefined ? {} : { revision }),
  });
  const db = await openSqlite({ source, driver, ...rest });
  return { db, source };
}
