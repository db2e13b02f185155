/** Runs in a process of its own: so many random commits, each told of. */
import { RandomWriter } from "./random-writer.ts";

const [path = "", commits = "0", seed = "1"] = process.argv.slice(2);
const writer = new RandomWriter(path, "other", Number(seed));
for (let i = 0; i < Number(commits); i++) {
  process.send?.(writer.commit());
  await new Promise(setImmediate);
}
writer.close();
process.disconnect();
