import { isLacunaError, pageNo, revision } from "@lacuna/page";
import { openIndexedDbStore } from "@lacuna/storage/indexeddb";
import { describePageStore } from "@lacuna/testkit";
import { IDBFactory } from "fake-indexeddb";
import { describe, expect, it } from "vitest";
import "fake-indexeddb/auto";
import { webLock } from "../src/web/web-lock.ts";

/** Web Locks of one origin, as far as they are used here. */
function webLocks(): LockManager {
  const held = new Set<string>();
  const request = async (name: string, _options: unknown, run: (lock: unknown) => Promise<unknown>) => {
    if (held.has(name)) return run(null);
    held.add(name);
    try {
      return await run({ name });
    } finally {
      held.delete(name);
    }
  };
  return { request } as unknown as LockManager;
}

let places = 0;

describePageStore({
  name: "openIndexedDbStore",
  capabilities: { persistent: true, exclusive: true, synchronous: false },
  place() {
    const path = `${++places}.db`;
    const indexedDB = new IDBFactory();
    const locks = webLocks();
    return { open: () => openIndexedDbStore({ path, indexedDB, locks }) };
  },
});

describe("openIndexedDbStore", () => {
  it("cannot own a path without Web Locks", async () => {
    const taking = webLock("a.db", undefined, () => {});
    await expect(taking).rejects.toSatisfy((error) => isLacunaError(error, "STORAGE"));
  });

  it("says that no room is left, and keeps what was stored before", async () => {
    const indexedDB = new IDBFactory();
    const locks = webLocks();
    const store = await openIndexedDbStore({ path: "a.db", indexedDB, locks });
    await store.reset({ revision: revision("r"), pageSize: 512, pageCount: 10 });
    await store.put([{ page: pageNo(1), bytes: new Uint8Array(512).fill(1) }]);
    await store.flush();
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    try {
      await store.put([{ page: pageNo(2), bytes: new Uint8Array(512).fill(2) }]);
      await expect(store.flush()).rejects.toSatisfy((error) => isLacunaError(error, "STORAGE_FULL"));
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    expect((await store.get([pageNo(1)]))[0]?.[0]).toBe(1);
    await store.flush();
    await store.close();
    const again = await openIndexedDbStore({ path: "a.db", indexedDB, locks });
    expect([...again.resident()]).toEqual([1, 2]);
    await again.close();
  });
});
