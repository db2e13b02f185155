import { PageSet, pageNo, revision } from "@lacuna/page";
import { seededRandom } from "@lacuna/testkit";
import { expect, it } from "vitest";
import { contents, filled, PAGE_SIZE, pagerOn, pages, remoteStore, shown, write } from "./local-replica.ts";

const PAGES = 8;

it("keeps every transaction and every snapshot apart, whatever else goes on at the same time", async () => {
  for (const durability of ["durable", "relaxed"] as const) {
    for (let seed = 1; seed <= 6; seed++) {
      const random = seededRandom(seed);
      const pick = (count: number): number => Math.floor(random() * count);
      const store = await remoteStore({ revision: revision("r0"), pageSize: PAGE_SIZE, pageCount: PAGES });
      const options = { durability, checkpointBytes: 8000, memoryBytes: 3 * PAGE_SIZE, flushDelayMs: 1 };
      const pager = await pagerOn(store, options);
      let commits = 0;
      let settled = 0;
      let rebases = 0;
      // Page 2 counts the transactions since the last rebase, and every transaction writes what it read and one more.
      const count = async (): Promise<void> => {
        const transaction = await pager.begin();
        const before = (await transaction.read(pageNo(2)))[0] ?? 0;
        const next = (before + 1) % 256;
        transaction.write(pageNo(2), filled(2, next));
        transaction.write(pageNo(3 + pick(PAGES - 2)), filled(3, next));
        if (pick(8) === 0) return transaction.rollback();
        await transaction.commit(new Uint8Array(pick(60_000)));
        commits++;
      };
      const look = async (): Promise<void> => {
        const snapshot = await pager.snapshot();
        const first = await contents(snapshot);
        for (let turn = pick(30); turn > 0; turn--) await Promise.resolve();
        if (pick(2) === 0) await new Promise((resolve) => setImmediate(resolve));
        expect(await contents(snapshot)).toEqual(first);
        snapshot.release();
      };
      const settle = async (): Promise<void> => {
        const changes = await pager.pendingChanges();
        const ids = changes.slice(0, pick(changes.length + 1)).map(({ id }) => id);
        await pager.settleChanges(ids);
        settled += ids.length;
      };
      const rebase = async (): Promise<void> => {
        const number = ++rebases;
        const fresh = pageNo(4 + pick(PAGES - 3));
        await pager.rebase({
          shape: { revision: revision(`r${number}`), pageSize: PAGE_SIZE, pageCount: PAGES },
          keep: new PageSet(pages(1, 2, 3)),
          pages: [pages(4, 5, 6, 7, 8).map((page) => ({ page, bytes: filled(page, number) }))],
          settled: [],
          replay: async (over) => {
            await write(over, { [fresh]: 200 });
          },
        });
      };
      // One after another: what two settle at the same time would be counted twice.
      let settling = Promise.resolve();
      const work: Promise<unknown>[] = [];
      for (let step = 0; step < 120; step++) {
        const chosen = pick(20);
        if (chosen < 9) work.push(count());
        else if (chosen < 15) work.push(look());
        else if (chosen < 17) {
          settling = settling.then(settle);
          work.push(settling);
        } else if (chosen < 18) work.push(pager.checkpoint());
        else if (chosen < 19) work.push(rebase());
        else await Promise.all(work.splice(0));
      }
      await Promise.all(work);
      expect(pager.pendingCount).toBe(commits - settled);
      const values = await shown(pager);
      await pager.close();
      const again = await pagerOn(store);
      expect(await shown(again)).toEqual(values);
      expect(again.pendingCount).toBe(commits - settled);
      await again.close();
    }
  }
});
