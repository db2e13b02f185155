import { DatabaseSync } from "node:sqlite";
import { beforeAll, expect, it } from "vitest";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { openRemote } from "./remote-source.ts";

const NOTES = 30_000;
const BEST =
  "SELECT rowid, subject FROM search WHERE search MATCH 'word300 OR word1234' ORDER BY rank LIMIT 10";

let bytes: Uint8Array;
let answer: unknown[];
beforeAll(() => {
  bytes = makeDatabase((db) => {
    db.exec(`PRAGMA page_size = 1024;
      CREATE TABLE note(id INTEGER PRIMARY KEY, subject TEXT, hint TEXT);
      CREATE VIRTUAL TABLE search USING fts5(subject, hint, content='note', content_rowid='id');
      BEGIN;`);
    const note = db.prepare("INSERT INTO note VALUES (?, ?, ?)");
    for (let id = 1; id <= NOTES; id++) {
      const word = (salt: number): string => `word${(Math.imul(id, salt) >>> 8) % 1500}`;
      note.run(id, `${word(0x85eb_ca6b)} ${word(0xc2b2_ae35)}`, id % 7 === 0 ? word(0x27d4_eb2f) : "");
    }
    db.exec(`INSERT INTO search(search) VALUES ('rebuild');
      INSERT INTO search(search) VALUES ('optimize'); COMMIT`);
  });
  const authority = new DatabaseSync(":memory:");
  authority.deserialize(bytes);
  answer = authority
    .prepare(BEST)
    .all()
    .map((row) => ({ ...row }));
  authority.close();
}, 60_000);

describeDrivers("running ahead", (driver) => {
  it("takes few requests for the best of a full text search", async () => {
    const remote = await openRemote(bytes, driver);
    expect(await remote.db.all(BEST)).toEqual(answer);
    const { fetchedPages, demandPages, prefetch } = remote.cache.stats();
    expect(fetchedPages).toBeGreaterThan(60);
    expect(remote.transport.requests.length).toBeLessThanOrEqual(7 + (driver === "jspi" ? 0 : 3));
    expect(fetchedPages).toBeLessThanOrEqual(1.25 * (demandPages + prefetch.used + prefetch.late));
    await remote.close();
  });
});
