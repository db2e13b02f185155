/** Runs in a process of its own: commits generation after generation until it is told to stop. */
import { DatabaseSync } from "node:sqlite";

const [path = "", pauseMs = "0"] = process.argv.slice(2);
const database = new DatabaseSync(path, { timeout: 10_000 });
database.exec("PRAGMA wal_autocheckpoint=20; PRAGMA synchronous=OFF");
const update = database.prepare("UPDATE t SET generation = generation + 1");
let stopped = false;
process.on("message", () => {
  stopped = true;
});
process.send?.("ready");

function next(): void {
  if (stopped) {
    database.close();
    process.disconnect();
    return;
  }
  update.run();
  setTimeout(next, Number(pauseMs));
}
next();
