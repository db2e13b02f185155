import { isLacunaError } from "@lacuna/page";
import { openNodeStore } from "@lacuna/storage/node";

// Says whether it got the path, and keeps it until its input ends. Begins when told to.
const [path = ""] = process.argv.slice(2);
process.stdout.write("ready\n");
process.stdin.once("data", async () => {
  try {
    const store = await openNodeStore({ path });
    process.stdout.write("owner\n");
    process.stdin.once("end", () => void store.close());
  } catch (error) {
    process.stdout.write(isLacunaError(error, "LOCKED") ? "LOCKED\n" : `${String(error)}\n`);
  }
});
