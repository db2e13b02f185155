import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectOptions, connect } from "../src/index.ts";
import { type RemoteFile, serveRemoteFile } from "./remote-file.ts";

const QUERIES = [
  "SELECT * FROM person WHERE id = 2345",
  "SELECT id FROM person WHERE name = 'name 17'",
  "SELECT name FROM person ORDER BY name DESC LIMIT 20 OFFSET 100",
  "SELECT count(*), sum(id), max(name) FROM person",
  "SELECT p.id, t.uses FROM person p JOIN tag t ON t.word = 'tag' || p.id WHERE p.id BETWEEN 1500 AND 1520",
  "SELECT word FROM tag WHERE word >= 'tag9' ORDER BY word LIMIT 15",
  "SELECT id, length(bytes), hex(substr(bytes, 90000, 20)) FROM blob ORDER BY id",
  "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 400 FROM n WHERE i < 4000) SELECT name FROM person JOIN n ON id = i",
];

let remote: RemoteFile;

beforeAll(async () => {
  remote = await serveRemoteFile();
});

afterAll(async () => {
  await remote.close();
});

const drivers = ["jspi", "restart"] as const;
const segments = [4096, 131_072];
const transports = ["syncUrl", "staticUrl"] as const;
const places = ["memory", "file"] as const;
const cases = drivers.flatMap((driver) =>
  segments.flatMap((segmentSize) =>
    transports.flatMap((url) => places.map((place) => ({ driver, segmentSize, url, place }))),
  ),
);

describe.each(cases)(
  "answers with driver $driver, segments of $segmentSize bytes, $url and $place storage",
  (given) => {
    const { driver, segmentSize, url, place } = given;
    const path = (): string =>
      place === "memory" ? ":memory:" : join(remote.directory, `${driver}-${segmentSize}-${url}.db`);
    const options = (): ConnectOptions => ({
      path: path(),
      url: remote[url],
      fetch: remote.fetch,
      driver,
      partialSync: { bootstrapStrategy: { kind: "prefix", length: 4096 }, segmentSize },
    });

    it("equal those of the authority, cold and warm", async () => {
      await using db = await connect(options());
      for (const query of QUERIES) {
        const expected = remote.authority
          .prepare(query)
          .all()
          .map((row) => ({ ...row }));
        expect(await db.all(query)).toEqual(expected);
        const { requests } = await db.stats();
        expect(await db.all(query)).toEqual(expected);
        expect((await db.stats()).requests).toBe(requests);
      }
    });

    it("equal those of the authority when everything is brought at opening", async () => {
      const { partialSync: _, ...whole } = options();
      await using db = await connect({ ...whole, path: place === "memory" ? ":memory:" : `${path()}-whole` });
      const { requests, residentPages, pageCount } = await db.stats();
      expect(residentPages).toBe(pageCount);
      for (const query of QUERIES) {
        expect(await db.all(query)).toEqual(
          remote.authority
            .prepare(query)
            .all()
            .map((row) => ({ ...row })),
        );
      }
      expect((await db.stats()).requests).toBe(requests);
    });
  },
);
