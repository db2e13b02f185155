import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { PageNo, Revision } from "@lacuna/page";
import { syncHandler } from "@lacuna/server";
import { openServedFile, openServedSql, type ServedFile, serveNode } from "@lacuna/server/node";
import type { Database as TursoDatabase, DatabaseOpts as TursoOptions } from "@tursodatabase/sync";
import { expect, it, onTestFinished } from "vitest";
import { connect, type Database } from "../src/index.ts";
import {
  areInOneOrder,
  ITEMS,
  type ItemRow,
  MARKS,
  type MarkRow,
  ModelWriter,
  mistakeIn,
  randomNumbers,
  SCHEMA,
  type Seen,
  versionsOf,
} from "./commit-model.ts";

/** Of all clients together; `test:model` asks for more. */
const OPERATIONS = Number(process.env["LACUNA_OPERATIONS"] ?? 400);
const SEED = Number(process.env["LACUNA_SEED"] ?? 1);

interface Remote {
  readonly path: string;
  readonly directory: string;
  readonly url: string;
  readonly file: ServedFile;
  /** What the server could not do. */
  readonly errors: unknown[];
}

async function startRemote(): Promise<Remote> {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "app.db");
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode=WAL; ${SCHEMA}`);
  database.close();
  const errors: unknown[] = [];
  const onError = (error: unknown): unknown => errors.push(error);
  const file = await openServedFile(path, { history: { checkpointBytes: 200_000, retentionBytes: 1e9 } });
  onTestFinished(() => file.close());
  const sql = openServedSql(path, { onWrite: () => file.newest(), onError, busyTimeoutMs: 20_000 });
  onTestFinished(() => sql.close());
  const handler = syncHandler({ database: file, sql, onError });
  const server = await serveNode({ handler, port: 0, graceMs: 0 });
  onTestFinished(() => server.close());
  return { path, directory, url: server.url, file, errors };
}

/** What all clients know of each other. */
class World {
  readonly writers: ModelWriter[] = [];
  /** The states that were seen, as numbers of commits. */
  readonly states: number[][] = [];
  readonly random: () => number;
  readonly remote: Remote;

  constructor(remote: Remote) {
    this.remote = remote;
    this.random = randomNumbers(SEED);
  }

  writer(): ModelWriter {
    const writer = new ModelWriter(this.writers.length + 1, randomNumbers(SEED * 100 + this.writers.length));
    this.writers.push(writer);
    return writer;
  }

  /** The highest numbers that a reader must see from now on. */
  acknowledged(): number[] {
    return this.writers.map(({ acknowledged }) => acknowledged);
  }

  /** The highest numbers that a reader can have seen until now. */
  begun(): number[] {
    return this.writers.map(({ version }) => version);
  }

  check(seen: Seen, least: readonly number[], most: readonly number[]): number[] {
    expect(mistakeIn(seen, this.writers, least, most)).toBeUndefined();
    return versionsOf(seen, this.writers);
  }
}

interface Client {
  /** Does something at random. */
  step(): Promise<void>;
  /** What it has when nobody writes any more. */
  last(): Promise<Seen>;
}

/** Something that stays at its revision, and what it may be. */
interface Pinned<T> {
  readonly at: T;
  readonly least: readonly number[];
  readonly most: readonly number[];
  /** Once it was read. */
  versions?: number[];
}

interface Image {
  readonly revision: Revision;
  readonly hash: string;
}

/** Has some replicas of different revisions, and whole images of others. */
class LacunaClient implements Client {
  readonly #world: World;
  readonly #replicas: Pinned<Database>[] = [];
  readonly #images: Pinned<Image>[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async step(): Promise<void> {
    const { random } = this.#world;
    const dice = random();
    if (this.#replicas.length === 0 || dice < 0.15) await this.#pin();
    else if (dice < 0.7) await this.#read(this.#replicas[Math.floor(random() * this.#replicas.length)]);
    else if (this.#images.length === 0 || dice < 0.85) await this.#takeImage();
    else await this.#compareImage(this.#images[Math.floor(random() * this.#images.length)]);
  }

  async last(): Promise<Seen> {
    for (const replica of this.#replicas) await this.#read(replica);
    for (const image of this.#images) await this.#compareImage(image);
    return this.#seenBy((await this.#pin()).at);
  }

  async #pin(): Promise<Pinned<Database>> {
    const least = this.#world.acknowledged();
    const at = await connect({
      path: ":memory:",
      url: this.#world.remote.url,
      remote: "sync-server",
      partialSync: { bootstrapStrategy: { kind: "prefix", length: 8192 }, segmentSize: 4096 },
      readers: 1,
    });
    onTestFinished(() => at.close());
    const replica = { at, least, most: this.#world.begun() };
    this.#replicas.push(replica);
    if (this.#replicas.length > 4) await this.#replicas.shift()?.at.close();
    return replica;
  }

  async #seenBy(db: Database): Promise<Seen> {
    return { marks: await db.all<MarkRow>(MARKS), items: await db.all<ItemRow>(ITEMS) };
  }

  async #read(replica: Pinned<Database> | undefined): Promise<void> {
    if (replica === undefined) return;
    // Some read a little now, and the rest long after.
    if (replica.versions === undefined && this.#world.random() < 0.4) {
      await replica.at.all(MARKS);
      return;
    }
    this.#settle(replica, await this.#seenBy(replica.at));
  }

  #settle(pinned: Pinned<unknown>, seen: Seen): void {
    const versions = this.#world.check(seen, pinned.least, pinned.most);
    if (pinned.versions === undefined) this.#world.states.push(versions);
    else expect(versions).toEqual(pinned.versions);
    pinned.versions = versions;
  }

  async #takeImage(): Promise<void> {
    const { file, directory } = this.#world.remote;
    const least = this.#world.acknowledged();
    const view = await file.open();
    const most = this.#world.begun();
    const bytes = await view.read([{ first: 1 as PageNo, last: view.pageCount as PageNo }]);
    await view.close();
    const image = { at: { revision: view.revision, hash: hashOf(bytes) }, least, most };
    const path = join(directory, "image.db");
    writeFileSync(path, bytes);
    this.#settle(image, seenInFile(path));
    this.#images.push(image);
  }

  async #compareImage(image: Pinned<Image> | undefined): Promise<void> {
    if (image === undefined) return;
    const view = await this.#world.remote.file.open({ revision: image.at.revision });
    const bytes = await view.read([{ first: 1 as PageNo, last: view.pageCount as PageNo }]);
    await view.close();
    expect(hashOf(bytes)).toBe(image.at.hash);
  }
}

/** The client of somebody else: commits to its own file, pushes and pulls. */
class TursoClient implements Client {
  readonly #world: World;
  readonly #db: TursoDatabase;
  readonly #writer: ModelWriter;
  #least: number[];
  #most: number[];

  private constructor(world: World, db: TursoDatabase) {
    this.#world = world;
    this.#db = db;
    this.#writer = world.writer();
    this.#least = [];
    this.#most = [];
  }

  static async open(world: World, name: string, options: Partial<TursoOptions>): Promise<TursoClient> {
    // It brings native code, so it is loaded only where it is used.
    const turso = await import("@tursodatabase/sync");
    const { url, directory } = world.remote;
    const db = await turso.connect({ path: join(directory, name), url, ...options });
    onTestFinished(() => db.close());
    return new TursoClient(world, db);
  }

  async step(): Promise<void> {
    const dice = this.#world.random();
    if (dice < 0.4) await this.#db.exec(`BEGIN; ${this.#writer.next().join("; ")}; COMMIT`);
    else if (dice < 0.6) await this.#push();
    else if (dice < 0.8) await this.#pull();
    else await this.#read();
  }

  async last(): Promise<Seen> {
    await this.#pull();
    return this.#read();
  }

  async finish(): Promise<void> {
    await this.#push();
  }

  async #push(): Promise<void> {
    await this.#db.push();
    this.#writer.acknowledged = this.#writer.version;
  }

  async #pull(): Promise<void> {
    const least = this.#world.acknowledged();
    await this.#db.pull();
    this.#least = least;
    this.#most = this.#world.begun();
  }

  async #read(): Promise<Seen> {
    const marks: MarkRow[] = await (await this.#db.prepare(MARKS)).all();
    const items: ItemRow[] = await (await this.#db.prepare(ITEMS)).all();
    const own = this.#writer.version;
    const withOwn = (versions: readonly number[]): number[] =>
      this.#world.writers.map((writer, i) => (writer === this.#writer ? own : (versions[i] ?? 0)));
    this.#world.check({ marks, items }, withOwn(this.#least), withOwn(this.#most));
    return { marks, items };
  }
}

/** Reads past the server, at every commit it can catch: what nobody else happens to ask for must be right too. */
class Onlooker {
  readonly #world: World;
  readonly #database: DatabaseSync;
  #version: unknown;

  constructor(world: World) {
    this.#world = world;
    this.#database = new DatabaseSync(world.remote.path, { readOnly: true, timeout: 20_000 });
    onTestFinished(() => this.#database.close());
  }

  /** Looks on for as long as something is under way. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    while (!isOver) {
      this.#look();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return work;
  }

  #look(): void {
    const version = this.#database.prepare("PRAGMA data_version").get()?.["data_version"];
    if (version === this.#version) return;
    this.#version = version;
    const least = this.#world.acknowledged();
    this.#database.exec("BEGIN");
    const seen = seenBy(this.#database);
    this.#database.exec("COMMIT");
    this.#world.states.push(this.#world.check(seen, least, this.#world.begun()));
  }
}

/** Writes on the server, in one request or in several. */
class SqlClient implements Client {
  readonly #world: World;
  readonly #writer: ModelWriter;
  readonly #onlooker: Onlooker;

  constructor(world: World) {
    this.#world = world;
    this.#writer = world.writer();
    this.#onlooker = new Onlooker(world);
  }

  async step(): Promise<void> {
    // To look on takes a whole processor, so it is done now and then.
    const work = this.#write();
    await (this.#world.random() < 0.4 ? this.#onlooker.during(work) : work);
  }

  async #write(): Promise<void> {
    const statements = this.#writer.next();
    if (this.#world.random() < 0.5) {
      await this.#run(["BEGIN IMMEDIATE", ...statements, "COMMIT"]);
    } else {
      const { baton } = await this.#run(["BEGIN IMMEDIATE", ...statements.slice(0, 1)]);
      await this.#run([...statements.slice(1), "COMMIT"], baton);
    }
    this.#writer.acknowledged = this.#writer.version;
  }

  async last(): Promise<Seen> {
    const [marks = [], items = []] = (await this.#run([MARKS, ITEMS])).rows;
    return {
      marks: marks.map(([writer, version]) => ({ writer: Number(writer), version: Number(version) })),
      items: items.map(([id, body]) => ({ id: Number(id), body: String(body) })),
    };
  }

  async #run(
    statements: readonly string[],
    baton: string | null = null,
  ): Promise<{ baton: string | null; rows: unknown[][][] }> {
    const requests = statements.map((sql) => ({ type: "execute", stmt: { sql } }));
    const response = await fetch(`${this.#world.remote.url}/v2/pipeline`, {
      method: "POST",
      body: JSON.stringify({ baton, requests }),
    });
    expect(response.status).toBe(200);
    const answer = (await response.json()) as PipelineAnswer;
    for (const { error } of answer.results) expect(error).toBeUndefined();
    const rows = answer.results.map(({ response: given }) =>
      (given?.result.rows ?? []).map((row) => row.map(({ value }) => value)),
    );
    return { baton: answer.baton, rows };
  }
}

interface PipelineAnswer {
  readonly baton: string | null;
  readonly results: readonly {
    readonly error?: unknown;
    readonly response?: { readonly result: { readonly rows?: readonly { readonly value: unknown }[][] } };
  }[];
}

/** Writes past the server, in a process of its own. */
class RawClient implements Client {
  readonly #world: World;
  readonly #writer: ModelWriter;
  readonly #child: ChildProcess;

  private constructor(world: World, child: ChildProcess) {
    this.#world = world;
    this.#writer = world.writer();
    this.#child = child;
  }

  static async open(world: World): Promise<RawClient> {
    const child = fork(join(import.meta.dirname, "writer-on-request.ts"), [world.remote.path]);
    await once(child, "message");
    onTestFinished(async () => {
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    });
    return new RawClient(world, child);
  }

  async step(): Promise<void> {
    const dice = this.#world.random();
    if (dice < 0.03) await this.#run("VACUUM");
    else if (dice < 0.1) await this.#run("PRAGMA wal_checkpoint(PASSIVE)");
    else {
      await this.#run(`BEGIN IMMEDIATE; ${this.#writer.next().join("; ")}; COMMIT`);
      this.#writer.acknowledged = this.#writer.version;
    }
  }

  async last(): Promise<Seen> {
    return seenInFile(this.#world.remote.path);
  }

  async #run(sql: string): Promise<void> {
    this.#child.send(sql);
    const [error] = await once(this.#child, "message");
    expect(error).toBeNull();
  }
}

function seenInFile(path: string): Seen {
  const database = new DatabaseSync(path);
  try {
    expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    return seenBy(database);
  } finally {
    database.close();
  }
}

function seenBy(database: DatabaseSync): Seen {
  const marks = database.prepare(MARKS).all();
  const items = database.prepare(ITEMS).all();
  return {
    marks: marks.map(({ writer, version }) => ({ writer: Number(writer), version: Number(version) })),
    items: items.map(({ id, body }) => ({ id: Number(id), body: String(body) })),
  };
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

// Two of the clients keep partial replicas, which needs Linux.
it.runIf(process.platform === "linux")(
  "eight clients of four kinds each see states that were committed, keep theirs, and agree in the end",
  async () => {
    const remote = await startRemote();
    const world = new World(remote);
    const prefix = { bootstrapStrategy: { kind: "prefix", length: 8192 }, segmentSize: 8192 } as const;
    const pushing = [
      await TursoClient.open(world, "one.db", {}),
      await TursoClient.open(world, "two.db", {}),
      await TursoClient.open(world, "three.db", { partialSyncExperimental: prefix }),
    ];
    const clients: Client[] = [
      ...pushing,
      new SqlClient(world),
      new SqlClient(world),
      await RawClient.open(world),
      new LacunaClient(world),
      new LacunaClient(world),
    ];
    let failed = false;
    const work = async (client: Client): Promise<void> => {
      for (let i = 0; i < OPERATIONS / clients.length && !failed; i++) await client.step();
    };
    // When one fails, the others end what they are at before everything is closed.
    const ended = await Promise.allSettled(
      clients.map((client) =>
        work(client).catch((error: unknown) => {
          failed = true;
          throw error;
        }),
      ),
    );
    for (const end of ended) if (end.status === "rejected") throw end.reason;
    for (const client of pushing) await client.finish();
    const truth = seenInFile(remote.path);
    expect(world.check(truth, world.begun(), world.begun())).toEqual(world.begun());
    for (const client of clients) expect(await client.last()).toEqual(truth);
    expect(areInOneOrder(world.states)).toBe(true);
    expect(world.states.length).toBeGreaterThan(OPERATIONS / 100);
    expect(remote.errors).toEqual([]);
  },
  1_800_000,
);
