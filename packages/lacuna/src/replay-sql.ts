import { isLacunaError } from "@lacuna/page";
import { openSqlite, type SqliteOptions } from "@lacuna/sqlite";
import type { OpenReplaySql } from "@lacuna/sync";

/** SQL for repeating local changes over what was pulled, in an instance of its own. */
export function replaySql(
  options: Pick<SqliteOptions, "driver" | "wasm" | "doubleQuotedStrings">,
): OpenReplaySql {
  const { driver, wasm, doubleQuotedStrings } = options;
  return async (source) => {
    const sql = await openSqlite({
      driver,
      wasm,
      doubleQuotedStrings,
      source,
      readers: 1,
      safeIntegers: true,
    });
    return {
      async run(text, args) {
        await sql.run(text, [...args]);
      },
      async get(text, args) {
        return (await sql.prepare(text)).raw().get([...args]);
      },
      async compiles(text) {
        try {
          (await sql.prepare(text)).finalize();
          return true;
        } catch (error) {
          if (isLacunaError(error, "SQL")) return false;
          throw error;
        }
      },
      close: () => sql.close(),
    };
  };
}
