import { pageNo, revision } from "@lacuna/page";
import { openNodeStore } from "@lacuna/storage/node";

// Puts pages for ever and says so; the parent ends it in the midst of one.
const [path = ""] = process.argv.slice(2);
const store = await openNodeStore({ path });
await store.reset({ revision: revision("r"), pageSize: 4096, pageCount: 5000 });
for (let round = 1; ; round++) {
  for (let first = 1; first <= 5000; first += 50) {
    const entries = Array.from({ length: 50 }, (_, i) => {
      const bytes = new Uint8Array(4096).fill(round);
      new DataView(bytes.buffer).setUint32(0, first + i);
      return { page: pageNo(first + i), bytes };
    });
    await store.put(entries);
    process.stdout.write(`${first + 49}\n`);
  }
}
