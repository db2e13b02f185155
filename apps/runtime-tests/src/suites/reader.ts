import { open } from "lacuna/reader";
import { describe, expect, it } from "vitest";
import { surroundings } from "./surroundings.ts";

const { server, host, published, damaged } = surroundings();

describe.each([server, `${host}/sample.db`, published])("the reader without SQL, from %s", (url) => {
  it("finds a row by its row id", async () => {
    const db = await open(url);
    expect(await db.table("person").get(7)).toMatchObject({ id: 7, name: "person 7" });
    await db.close();
  });

  it("scans a range backwards", async () => {
    const db = await open(url);
    const names: unknown[] = [];
    for await (const row of db.table("person").scan({ from: 10, to: 12, reverse: true }))
      names.push(row["name"]);
    expect(names).toEqual(["person 12", "person 11", "person 10"]);
    await db.close();
  });

  it("finds rows through an index", async () => {
    const db = await open(url);
    const ids: unknown[] = [];
    for await (const row of db.index("person_name").range({ from: ["person 99"], to: ["person 99"] })) {
      ids.push(row["id"]);
    }
    expect(ids).toEqual([99]);
    await db.close();
  });
});

describe("the reader of a published directory", () => {
  it("finds a row with three requests, and its neighbour with none", async () => {
    const db = await open(published);
    expect(await db.table("person").get(1234)).toMatchObject({ name: "person 1234" });
    const { requests } = await db.stats();
    expect(requests).toBe(3);
    expect(await db.table("person").get(1235)).toMatchObject({ name: "person 1235" });
    expect((await db.stats()).requests).toBe(requests);
    await db.close();
  });

  it("takes no byte that was changed on the way", async () => {
    const db = await open(damaged);
    await expect(db.table("person").get(1234)).rejects.toMatchObject({ code: "PROTOCOL" });
    await db.close();
  });
});
