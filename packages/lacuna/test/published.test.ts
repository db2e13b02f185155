import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openServedFile } from "@lacuna/server/node";
import { publishDirectory } from "@lacuna/server/node/publish";
import { fetchFrom, type HostFetch } from "@lacuna/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../src/index.ts";
import { open } from "../src/reader/index.ts";

const ROWS = `
  CREATE TABLE item (id INTEGER PRIMARY KEY, version INT, note TEXT);
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
  INSERT INTO item SELECT i, 0, 'note ' || hex(i * 7919) || printf('%.*c', 100, 'x') FROM n;
  CREATE INDEX item_note ON item (note);
`;

const url = "https://host.example/made/manifest.lacuna";

interface Published extends HostFetch {
  readonly writer: DatabaseSync;
  publish(keep?: number): Promise<void>;
}

/** A database of some megabytes, published on a static host. */
async function published(): Promise<Published> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [path, target] = [join(directory, "made.db"), join(directory, "made")];
  const writer = new DatabaseSync(path);
  onTestFinished(() => writer.close());
  writer.exec(`PRAGMA synchronous = OFF; ${ROWS}`);
  const publish = async (keep?: number): Promise<void> => {
    const served = await openServedFile(path);
    const view = await served.open();
    await publishDirectory(view, target, keep === undefined ? {} : { keep });
    await view.close();
    await served.close();
  };
  await publish();
  const host = fetchFrom(async (request) => {
    const name = new URL(request.url).pathname.replace("/made/", "");
    const bytes = await readFile(join(target, name)).catch(() => undefined);
    return bytes === undefined ? new Response("not found", { status: 404 }) : new Response(bytes);
  });
  return { ...host, writer, publish };
}

describe("a published database", () => {
  it("is opened by connect, and a row found, in three requests", async () => {
    const { fetch, requests } = await published();
    const bootstrapStrategy = { kind: "prefix", length: 131_072 } as const;
    const db = await connect({ path: ":memory:", url, fetch, partialSync: { bootstrapStrategy } });
    expect(requests).toHaveLength(2);
    const first = "SELECT version FROM item WHERE id = 9876";
    expect(await db.all(first)).toEqual([{ version: 0 }]);
    expect(requests).toHaveLength(3);
    expect(await db.all(first)).toEqual([{ version: 0 }]);
    expect(requests).toHaveLength(3);
    await db.close();
  });

  it("is opened by the reader without SQL, and rows found, in three requests", async () => {
    const { fetch, requests } = await published();
    const db = await open("https://host.example/made", { fetch, remote: "published" });
    expect(await db.table("item").get(9876, { columns: ["id", "version"] })).toEqual({
      id: 9876,
      version: 0,
    });
    expect(requests).toHaveLength(3);
    // The neighbours came with the same segment.
    expect(await db.table("item").get(9890, { columns: ["id"] })).toEqual({ id: 9890 });
    expect(requests).toHaveLength(3);
    await db.close();
  });

  it("is scanned with each segment once", async () => {
    const { fetch, requests } = await published();
    const db = await open(url, { fetch });
    let rows = 0;
    for await (const _ of db.table("item").scan({ columns: ["id"] })) rows++;
    expect(rows).toBe(12_000);
    const segments = requests.map((request) => request.url).filter((each) => each.includes("/segments/"));
    expect(segments.length).toBeGreaterThan(8);
    expect(new Set(segments).size).toBe(segments.length);
    await db.close();
  });

  it("is brought as a whole with each file once", async () => {
    const { fetch, requests } = await published();
    const db = await connect({ path: ":memory:", url, fetch });
    const urls = requests.map((request) => request.url);
    expect(new Set(urls).size).toBe(urls.length);
    expect(await db.all("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect(requests).toHaveLength(urls.length);
    await db.close();
  });

  it("is found out by asking when the URL is that of the directory", async () => {
    const { fetch } = await published();
    const db = await connect({ path: ":memory:", url: "https://host.example/made/", fetch });
    expect(await db.all("SELECT count(*) AS n FROM item WHERE id < 100")).toEqual([{ n: 99 }]);
    await db.close();
  });

  it("is read on at the snapshot of its opening, until that is gone; then the next statement sees the new one", async () => {
    const { fetch, writer, publish } = await published();
    const db = await connect({ path: ":memory:", url, fetch, partialSync: { prefetch: false } });
    const version = (id: number): Promise<unknown> => db.all(`SELECT version FROM item WHERE id = ${id}`);
    expect(await version(4000)).toEqual([{ version: 0 }]);
    writer.exec("UPDATE item SET version = 1");
    await publish();
    expect(await version(8000)).toEqual([{ version: 0 }]);
    await publish(0);
    const answers: unknown[] = [];
    for (const id of [11_000, 11_000, 4000]) {
      answers.push(await version(id).catch((error: { code: string }) => error.code));
    }
    expect(answers.slice(1)).toEqual([[{ version: 1 }], [{ version: 1 }]]);
    expect(["REVISION_CHANGED", [{ version: 1 }]]).toContainEqual(answers[0]);
    await db.close();
  });
});
