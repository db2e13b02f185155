import * as sqlite from "node:sqlite";
import { pragmaEffect } from "../../sql/sql-pragmas.ts";

/**
 * Lets SQLite itself refuse what reaches other files or undoes the limits: a second lock behind the one that looks at the
 * words of a statement. Runtimes without an authorizer have only that other one.
 */
export function restrict(database: sqlite.DatabaseSync): void {
  if (typeof database.enableDefensive === "function") database.enableDefensive(true);
  if (typeof database.setAuthorizer !== "function") return;
  const { SQLITE_ATTACH, SQLITE_DETACH, SQLITE_PRAGMA, SQLITE_OK, SQLITE_DENY } = sqlite.constants;
  database.setAuthorizer((action, first, second) => {
    // VACUUM attaches and detaches a database without a name of a file.
    if (action === SQLITE_ATTACH) return first === "" ? SQLITE_OK : SQLITE_DENY;
    if (action === SQLITE_DETACH) return first?.startsWith("vacuum_") ? SQLITE_OK : SQLITE_DENY;
    if (action !== SQLITE_PRAGMA) return SQLITE_OK;
    return pragmaEffect(first ?? "", second ?? undefined) === "refused" ? SQLITE_DENY : SQLITE_OK;
  });
}
