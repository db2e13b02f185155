import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile, openServedSql } from "@lacuna/server/node";
import { connect, type Database } from "lacuna";

const notes = async (db: Database): Promise<string> => {
  const rows = await db.all<{ body: string }>("SELECT body FROM note ORDER BY id");
  return rows.map(({ body }) => `"${body}"`).join(", ");
};

/**
 * Two replicas of a notebook: one writes while it is offline, and pushes when it is not any more; the other pulls.
 * @param say prints a line
 */
export async function writeAndSync(say: (text: string) => void): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-demo-"));
  const file = join(directory, "notebook.db");
  const made = new DatabaseSync(file);
  made.exec(`
    CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
    INSERT INTO note(body) VALUES ('milk'), ('bread');
  `);
  made.close();
  const database = await openServedFile(file, { history: true });
  const sql = openServedSql(file, { onWrite: () => database.newest() });
  const direct = handlerAsFetch(syncHandler({ database, sql }));
  let online = true;
  let requests = 0;
  const wire: typeof fetch = async (input, init) => {
    requests++;
    if (!online) throw new TypeError("the network is down");
    return direct(input, init);
  };
  const replica = (name: string): Promise<Database> =>
    connect({
      path: join(directory, name),
      url: "http://server",
      remote: "sync-server",
      fetch: wire,
      attempts: 1,
    });

  const phone = await replica("phone.db");
  const laptop = await replica("laptop.db");
  online = false;
  await phone.run("INSERT INTO note(body) VALUES (?)", "eggs");
  await phone.run("UPDATE note SET body = 'oat milk' WHERE body = 'milk'");
  say(`The phone, offline, wrote: ${await notes(phone)}.`);
  const failure = await phone.push().catch((error: { code: string }) => error.code);
  say(`Pushing fails with ${String(failure)}; ${(await phone.pending()).length} changes wait.`);

  online = true;
  const before = requests;
  await phone.push();
  say(`Online again, a push asks what became of the first, and sends: ${requests - before} requests.`);
  await laptop.run("INSERT INTO note(id, body) VALUES (100, 'of the laptop')");
  await laptop.pull();
  say(`The laptop pulls, its own note on top: ${await notes(laptop)}.`);
  await laptop.push();
  await phone.pull();
  say(`The phone pulls: ${await notes(phone)}.`);

  for (const db of [phone, laptop]) await db.close();
  await sql.close();
  await database.close();
  await rm(directory, { recursive: true });
}
