import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ConnectOptions, connect, type Database, isLacunaError } from "../src/index.ts";
import type { SharedSetting } from "../src/tabs/share-parts.ts";
import { BrowserTab } from "./browser-tabs.ts";
import { type RemoteFile, serveRemoteFile } from "./remote-file.ts";
import { plain } from "./sample-database.ts";

const browser = vi.hoisted((): { tab: { share(setting: unknown): Promise<unknown> } | undefined } => ({
  tab: undefined,
}));

vi.mock("#local-files", async (original) => {
  const { localFiles } = (await original()) as { localFiles: object };
  return {
    localFiles: { ...localFiles, share: (setting: SharedSetting) => browser.tab?.share(setting) },
  };
});

let remote: RemoteFile;
let path: string;
const open: Database[] = [];

beforeEach(async () => {
  remote = await serveRemoteFile();
  path = join(remote.directory, `${randomUUID()}.db`);
});

afterEach(async () => {
  for (const db of open.splice(0)) await db.close();
  await remote.close();
});

async function connectIn(tab: BrowserTab, options: Partial<ConnectOptions> = {}): Promise<Database> {
  browser.tab = tab;
  const given = {
    path,
    url: remote.staticUrl,
    fetch: remote.fetch,
    partialSync: {},
    remote: "static" as const,
  };
  const db = await connect({ ...given, ...options });
  open.push(db);
  return db;
}

interface Tab {
  readonly tab: BrowserTab;
  readonly db: Database;
}

/** Databases of one path, each in a tab of its own; the first one owns it. */
async function connectTabs(count: number): Promise<[Tab, Tab, Tab, ...Tab[]]> {
  const tabs: Tab[] = [];
  for (let i = 0; i < count; i++) {
    const tab = new BrowserTab();
    tabs.push({ tab, db: await connectIn(tab) });
  }
  return tabs as [Tab, Tab, Tab, ...Tab[]];
}

const NAME = "SELECT name FROM person WHERE id = ?";
const BY_ID = "SELECT id FROM person ORDER BY id";

describe("the tabs of a browser that have one path open", () => {
  it("answer from one download", async () => {
    const tabs = await connectTabs(10);
    const sql = "SELECT count(*) AS n, sum(length(note)) AS bytes FROM person";
    const [{ db: first }] = tabs;
    const expected = plain(await first.all(sql));
    const { requests } = remote;
    const answers = await Promise.all(tabs.map(({ db }) => db.all(sql)));
    expect(answers.map(plain)).toEqual(tabs.map(() => expected));
    expect(remote.requests).toBe(requests);
    const stats = await Promise.all(tabs.map(({ db }) => db.stats()));
    expect(new Set(stats.map((each) => each.requests)).size).toBe(1);
  });

  it("give the same answers by every call", async () => {
    const [{ db: owner }, { db: other }] = await connectTabs(2);
    for (const db of [owner, other]) {
      expect({ ...(await db.get(NAME, 7)) }).toEqual({ name: "name 3433" });
      expect(await db.get(NAME, [90000])).toBeUndefined();
      const statement = await db.prepare("SELECT id, name FROM person WHERE id BETWEEN :from AND :to");
      expect(statement.reader).toBe(true);
      expect(statement.columns().map(({ name }) => name)).toEqual(["id", "name"]);
      expect(plain(await statement.all({ from: 1, to: 1 }))).toEqual([{ id: 1, name: "name 3919" }]);
      expect(await statement.raw().all({ from: 1, to: 1 })).toEqual([[1, "name 3919"]]);
      expect(await statement.pluck().safeIntegers().get({ from: 2, to: 9 })).toBe(2n);
      statement.close();
      await expect(statement.get()).rejects.toMatchObject({ code: "CLOSED" });
      const ids: number[] = [];
      for await (const { id } of db.iterate<{ id: number }>(BY_ID)) {
        ids.push(id);
        if (ids.length === 2500) break;
      }
      expect(ids).toEqual(Array.from({ length: 2500 }, (_, i) => i + 1));
      expect(plain(await db.pragma("table_info(tag)"))).toHaveLength(2);
      expect(await db.isResident(NAME, 7)).toBe(true);
      const blob = await db.get<{ bytes: Uint8Array }>("SELECT bytes FROM blob WHERE id = 2");
      expect(blob?.bytes.byteLength).toBe(5000);
      const results = await db.batch(["SELECT 9007199254740993 AS big"], { safeIntegers: true, raw: true });
      expect(results[0]?.rows).toEqual([[9007199254740993n]]);
      expect(db.inTransaction).toBe(false);
      expect(db.health().local).toMatchObject({ open: true, pending: 0 });
      await expect(db.all("SELECT missing FROM person")).rejects.toMatchObject({
        name: "LacunaError",
        code: "SQL",
        sqliteCode: "SQLITE_ERROR",
        message: expect.stringContaining("no such column: missing"),
      });
      await expect(db.all(NAME, 1, 2)).rejects.toMatchObject({ code: "INVALID_OPTION" });
      await expect(db.all(NAME, (() => 1) as never)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    }
  });

  it("see what one of them writes, and are told", async () => {
    const [{ db: owner }, { db: second }, { db: third }] = await connectTabs(3);
    const told: string[] = [];
    owner.on("change", ({ from }) => told.push(`owner ${from}`));
    second.on("change", ({ from }) => told.push(`second ${from}`));
    const heard = new Promise<void>((resolve) => third.on("change", () => resolve()));
    expect(await second.run("INSERT INTO tag VALUES ('new', 1)")).toMatchObject({ changes: 1 });
    expect({ ...(await third.get("SELECT uses FROM tag WHERE word = 'new'")) }).toEqual({ uses: 1 });
    expect({ ...(await owner.get("SELECT uses FROM tag WHERE word = 'new'")) }).toEqual({ uses: 1 });
    await heard;
    expect(told).toEqual(["owner local", "second local"]);
  });

  it("keep a transaction of one apart from the others", async () => {
    const [{ db: owner }, { db: other }] = await connectTabs(2);
    const add = other.transactionAsync(async (tx, uses: number) => {
      await tx.run("UPDATE tag SET uses = ? WHERE word = 'tag1'", uses);
      const outside = await owner.get<{ uses: number }>("SELECT uses FROM tag WHERE word = 'tag1'");
      const inside = await tx.get<{ uses: number }>("SELECT uses FROM tag WHERE word = 'tag1'");
      if (uses === 13) throw new Error("unlucky");
      return [outside?.uses, inside?.uses];
    });
    expect(await add(70)).toEqual([1, 70]);
    await expect(add.immediate(13)).rejects.toThrow("unlucky");
    expect({ ...(await owner.get("SELECT uses FROM tag WHERE word = 'tag1'")) }).toEqual({ uses: 70 });
    const whole = other.transaction(async () => {
      await other.run("UPDATE tag SET uses = 71 WHERE word = 'tag1'");
      expect(other.inTransaction).toBe(true);
    });
    await whole();
    expect({ ...(await owner.get("SELECT uses FROM tag WHERE word = 'tag1'")) }).toEqual({ uses: 71 });
  });

  it("have transactions of their own when they begin them by SQL", async () => {
    const [{ db: owner }, { tab, db: second }, { db: third }] = await connectTabs(3);
    for (const [i, db] of [owner, third].entries()) {
      await db.exec("BEGIN IMMEDIATE");
      await db.run("UPDATE tag SET uses = ? WHERE word = 'tag5'", i + 100);
      expect([db.inTransaction, second.inTransaction]).toEqual([true, false]);
      expect({ ...(await second.get("SELECT uses FROM tag WHERE word = 'tag5'")) }).toEqual({ uses: 5 });
      await expect(db.exec("BEGIN")).rejects.toMatchObject({ code: "SQL" });
      await (await db.prepare("ROLLBACK")).run();
      await expect(db.exec("COMMIT")).rejects.toMatchObject({ code: "SQL" });
    }
    await second.exec("BEGIN");
    await second.run("UPDATE tag SET uses = 6 WHERE word = 'tag5'");
    await second.exec("END TRANSACTION");
    expect({ ...(await owner.get("SELECT uses FROM tag WHERE word = 'tag5'")) }).toEqual({ uses: 6 });
    await second.exec("BEGIN");
    await second.run("UPDATE tag SET uses = 7 WHERE word = 'tag5'");
    await tab.kill();
    await owner.run("UPDATE tag SET uses = uses + 10 WHERE word = 'tag5'");
    expect({ ...(await third.get("SELECT uses FROM tag WHERE word = 'tag5'")) }).toEqual({ uses: 16 });
  });

  it("do not wait for ever for an owner that says nothing", async () => {
    const [{ tab: owner }, { tab, db }] = await connectTabs(2);
    owner.onSend = () => false;
    const asked = Promise.withResolvers<void>();
    tab.onSend = ({ type }) => {
      if (type === "ask") asked.resolve();
      return true;
    };
    const waiting = db.get("SELECT 1");
    await asked.promise;
    tab.loseThePatience();
    // The owner was heard of since the tab began to wait; this time it was not.
    tab.loseThePatience();
    await expect(waiting).rejects.toMatchObject({ code: "TIMEOUT" });
    owner.onSend = () => true;
    expect({ ...(await db.get("SELECT 1 AS one")) }).toEqual({ one: 1 });
  });

  it("have them also when a comment stands beside the SQL", async () => {
    const [{ db: owner }, { db: other }] = await connectTabs(2);
    await other.exec("/* of an ORM */ BEGIN IMMEDIATE -- now");
    await other.run("INSERT INTO tag VALUES ('mine', 1)");
    expect([owner.inTransaction, other.inTransaction]).toEqual([false, true]);
    await other.exec("ROLLBACK /* of an ORM */;");
    await owner.run("INSERT INTO tag VALUES ('yours', 1)");
    expect({ ...(await owner.get("SELECT count(*) AS n FROM tag WHERE word = 'mine'")) }).toEqual({ n: 0 });
  });

  it("end one call of one tab by its signal", async () => {
    const [, { db: other }] = await connectTabs(2);
    let requested: () => void = () => {};
    const arrived = new Promise<void>((resolve) => (requested = resolve));
    remote.intercept = (_, pass) => {
      requested();
      return new Promise<void>(() => {}).then(pass);
    };
    const controller = new AbortController();
    const waiting = other.with({ signal: controller.signal }).get(NAME, 3999);
    await arrived;
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    remote.intercept = undefined;
    expect({ ...(await other.get("SELECT 1 AS one")) }).toEqual({ one: 1 });
  });

  it("do not take one database for a copy of another", async () => {
    await connectTabs(1);
    const other = connectIn(new BrowserTab(), { url: "http://elsewhere/remote.db" });
    await expect(other).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining("elsewhere"),
    });
  });
});

describe("an owner that says nothing for long, and then goes on", () => {
  /** Begins something in a tab whose owner is frozen, until the tab has no more patience. */
  async function whileFrozen(
    owner: BrowserTab,
    tab: BrowserTab,
    begin: () => Promise<unknown>,
  ): Promise<unknown> {
    owner.freeze();
    const asked = Promise.withResolvers<void>();
    tab.onSend = ({ type }) => {
      if (type === "ask") asked.resolve();
      return true;
    };
    const outcome = begin().catch((error: unknown) => error);
    await asked.promise;
    tab.loseThePatience();
    tab.loseThePatience();
    return outcome;
  }

  it("is not left with a transaction that nobody knows of", async () => {
    const [{ tab: owner, db: first }, { tab, db }] = await connectTabs(2);
    const begin = () => db.transactionAsync(async () => {}).immediate();
    expect(await whileFrozen(owner, tab, begin)).toMatchObject({ code: "TIMEOUT" });
    owner.thaw();
    await first.run("INSERT INTO tag VALUES ('mine', 1)");
    await db.run("INSERT INTO tag VALUES ('yours', 1)");
  });

  it("nor with one whose beginning it answered too late", async () => {
    const [{ tab: owner, db: first }, { tab, db }] = await connectTabs(2);
    const answered = Promise.withResolvers<void>();
    owner.onSend = ({ type }) => {
      if (type === "answer") answered.resolve();
      return true;
    };
    tab.freeze();
    const begun = db.transactionAsync(async () => {}).immediate();
    const lost = expect(begun).rejects.toMatchObject({ code: "TIMEOUT" });
    await answered.promise;
    tab.loseThePatience();
    tab.loseThePatience();
    await lost;
    tab.thaw();
    await first.run("INSERT INTO tag VALUES ('mine', 1)");
  });

  it("may have written what it was asked to write, and that is said", async () => {
    const [{ tab: owner }, { tab, db }] = await connectTabs(2);
    const write = () => db.run("INSERT INTO tag VALUES ('perhaps', 1)");
    expect(await whileFrozen(owner, tab, write)).toMatchObject({
      code: "OWNER_GONE",
      message: expect.stringContaining("may be there or not"),
    });
    owner.thaw();
    expect({ ...(await db.get("SELECT 1 AS one")) }).toEqual({ one: 1 });
  });
});

describe("what cannot be told to another tab", () => {
  it("is refused, and stands in nobody's way", async () => {
    const [{ tab: owner }, { db }] = await connectTabs(2);
    const stranger = { mode: "deferred", progress: () => {} } as never;
    await expect(db.batch(["SELECT 1"], stranger)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    const statement = await db.prepare("SELECT ?");
    expect(() => statement.bind((() => {}) as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
    await owner.kill();
    expect({ ...(await db.get("SELECT 1 AS one")) }).toEqual({ one: 1 });
  });
});

describe("when the tab that owns the database closes", () => {
  it("and is told so twice, a write that another one has under way is still finished first", async () => {
    const [{ db: owner }, { db: second }] = await connectTabs(2);
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    remote.intercept = (_, pass) => {
      asked.resolve();
      return answered.promise.then(pass);
    };
    const write = second.run("UPDATE person SET note = 'closing' WHERE id = 3999");
    await asked.promise;
    const closing = [owner.close(), owner.close()];
    answered.resolve();
    expect(await write).toMatchObject({ changes: 1 });
    await Promise.all(closing);
  });

  it("rows that others wait for do not hold it up", async () => {
    const [{ db: owner }, { db: second }] = await connectTabs(2);
    const waiting = Promise.withResolvers<void>();
    const rows = second.iterate("SELECT note FROM person");
    await rows.next();
    remote.intercept = (_, pass) => {
      waiting.resolve();
      return new Promise<void>(() => {}).then(pass);
    };
    const rest = (async () => {
      for await (const _ of rows);
    })();
    const cut = expect(rest).rejects.toMatchObject({ code: "OWNER_GONE" });
    await waiting.promise;
    await owner.close();
    remote.intercept = undefined;
    await cut;
  });

  it("rows of a statement that another tab prepared before it became the owner end with CLOSED", async () => {
    const [{ db: owner }, { db: second }] = await connectTabs(2);
    const statement = await second.prepare("SELECT note FROM person");
    await owner.close();
    await second.get("SELECT 1");
    const waiting = Promise.withResolvers<void>();
    remote.intercept = (_, pass) => {
      waiting.resolve();
      return new Promise<void>(() => {}).then(pass);
    };
    const read = async (): Promise<void> => {
      for await (const _ of statement.iterate());
    };
    const cut = expect(read()).rejects.toMatchObject({ code: "CLOSED" });
    await waiting.promise;
    await second.close();
    remote.intercept = undefined;
    await cut;
  });

  it("another one goes on, with what was here and what was written", async () => {
    const [{ db: owner }, { db: second }, third] = await connectTabs(3);
    await second.run("INSERT INTO tag VALUES ('kept', 5)");
    const statement = await second.prepare("SELECT uses FROM tag WHERE word = ?");
    await owner.close();
    await expect(owner.all("SELECT 1")).rejects.toMatchObject({ code: "CLOSED" });
    const { requests } = remote;
    for (const db of [second, third.db]) {
      expect({ ...(await db.get("SELECT uses FROM tag WHERE word = 'kept'")) }).toEqual({ uses: 5 });
    }
    expect({ ...(await statement.get("kept")) }).toEqual({ uses: 5 });
    expect(remote.requests).toBe(requests);
    expect((await second.stats()).cdcOperations).toBe((await third.db.stats()).cdcOperations);
  });

  it("writes that others have under way are finished first", async () => {
    const [{ db: owner }, { db: second }] = await connectTabs(2);
    const writes = [1, 2, 3].map((i) => second.run("INSERT INTO tag VALUES (?, 1)", `closing ${i}`));
    await second.all("SELECT 1");
    const closing = owner.close();
    await Promise.all([...writes, closing]);
    expect({ ...(await second.get("SELECT count(*) AS n FROM tag WHERE word LIKE 'closing%'")) }).toEqual({
      n: 3,
    });
  });
});

describe("when the tab that owns the database is gone", () => {
  it("reads under way are repeated, and writes of which nothing was heard fail with OWNER_GONE", async () => {
    const [{ tab }, { db: second }, third] = await connectTabs(3);
    await second.run("INSERT INTO tag VALUES ('before', 1)");
    // What the owner answers from now on does not arrive.
    const written = Promise.withResolvers<void>();
    tab.onSend = ({ type }) => {
      if (type === "change") written.resolve();
      return type !== "answer";
    };
    const read = second.get("SELECT uses FROM tag WHERE word = 'before'");
    const rows = third.db.iterate("SELECT uses FROM tag WHERE word = 'before'").next();
    const write = second.run("UPDATE tag SET uses = 2 WHERE word = 'before'");
    const lost = expect(write).rejects.toSatisfy((error) => isLacunaError(error, "OWNER_GONE"));
    await written.promise;
    await tab.kill();
    await lost;
    // It happened here, and only its answer was lost.
    expect({ ...(await read) }).toMatchObject({ uses: expect.any(Number) });
    expect((await rows).done).toBe(false);
    expect({ ...(await third.db.get("SELECT uses FROM tag WHERE word = 'before'")) }).toEqual({ uses: 2 });
    await second.run("UPDATE tag SET uses = 3 WHERE word = 'before'");
    expect({ ...(await third.db.get("SELECT uses FROM tag WHERE word = 'before'")) }).toEqual({ uses: 3 });
  });

  it("a transaction of another tab is rolled back, and says so", async () => {
    const [{ tab }, { db: second }] = await connectTabs(2);
    const cut = second.transactionAsync(async (tx) => {
      await tx.run("INSERT INTO tag VALUES ('cut', 1)");
      await tab.kill();
      await second.get("SELECT 1");
      await tx.run("INSERT INTO tag VALUES ('cut too', 1)");
    });
    await expect(cut()).rejects.toMatchObject({
      code: "OWNER_GONE",
      message: expect.stringContaining("nothing"),
    });
    expect({ ...(await second.get("SELECT count(*) AS n FROM tag WHERE word LIKE 'cut%'")) }).toEqual({
      n: 0,
    });
    expect(second.inTransaction).toBe(false);
  });

  it("a transaction begun by SQL is over with it, and ROLLBACK has nothing to complain of", async () => {
    const [{ tab }, { db: second }] = await connectTabs(2);
    await second.exec("BEGIN");
    await second.run("INSERT INTO tag VALUES ('cut', 1)");
    await tab.kill();
    await expect(second.run("INSERT INTO tag VALUES ('cut too', 1)")).rejects.toMatchObject({
      code: "OWNER_GONE",
    });
    await second.exec("ROLLBACK");
    expect(second.inTransaction).toBe(false);
    expect({ ...(await second.get("SELECT count(*) AS n FROM tag WHERE word LIKE 'cut%'")) }).toEqual({
      n: 0,
    });
  });

  it("the rest of rows that were begun is not made up", async () => {
    const [{ tab }, { db: second }] = await connectTabs(2);
    const read = async (): Promise<number> => {
      let rows = 0;
      for await (const _ of second.iterate(BY_ID)) if (++rows === 10) await tab.kill();
      return rows;
    };
    await expect(read()).rejects.toMatchObject({ code: "OWNER_GONE" });
  });

  it("its own calls do not hold up the others: a follower that is gone leaves no transaction behind", async () => {
    const [{ db: owner }, { tab, db: second }] = await connectTabs(2);
    const begun = Promise.withResolvers<void>();
    const never = second.transactionAsync(async (tx) => {
      await tx.run("INSERT INTO tag VALUES ('orphan', 1)");
      begun.resolve();
      await new Promise(() => {});
    });
    void never.immediate().catch(() => {});
    await begun.promise;
    await tab.kill();
    await owner.run("INSERT INTO tag VALUES ('after', 1)");
    expect({ ...(await owner.get("SELECT count(*) AS n FROM tag WHERE word = 'orphan'")) }).toEqual({ n: 0 });
  });

  it("a tab that cannot open it says why, and the next one tries", async () => {
    const [{ tab }, second, third] = await connectTabs(3);
    second.tab.beforeOpen = async () => {
      throw new Error("no luck");
    };
    await tab.kill();
    const answers = await Promise.allSettled([
      second.db.get("SELECT 1 AS one"),
      third.db.get("SELECT 1 AS one"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect({ ...(await second.db.get("SELECT 1 AS one")) }).toEqual({ one: 1 });
  });
});
