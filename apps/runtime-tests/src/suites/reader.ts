import { open } from "lacuna/reader";
import { describe, expect, it } from "vitest";
import { surroundings } from "./surroundings.ts";

const { server, host } = surroundings();

describe.each([server, `${host}/sample.db`])("the reader without SQL, from %s", (url) => {
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
