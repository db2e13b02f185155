/** Runs in a process of its own, with its own SQLite: runs the SQL it is sent, and tells when it is done. */
import { DatabaseSync } from "node:sqlite";

const [path = ""] = process.argv.slice(2);
const database = new DatabaseSync(path, { timeout: 20_000 });
database.exec("PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=50");
process.on("message", (sql: string) => {
  try {
    database.exec(sql);
    process.send?.(null);
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    process.send?.(String(error));
  }
});
process.on("disconnect", () => database.close());
process.send?.(null);
