import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  encodePullRequest,
  type PullEvent,
  type PullHeader,
  type PullRequest,
  PullResponseDecoder,
} from "@lacuna/protocol";
import { onTestFinished } from "vitest";
import { openServedFile, type ServedFile, type ServedFileOptions } from "../src/node/index.ts";

/** A directory that goes away with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-server-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface FixtureOptions {
  readonly pageSize?: number;
  readonly journal?: "delete" | "wal";
  readonly rows?: number;
  readonly path?: string;
}

export interface Fixture {
  readonly path: string;
  /** Stays open until the test ends, so that SQLite leaves the write-ahead log alone. */
  readonly writer: DatabaseSync;
  /** Writes the generation into every row, in one transaction. */
  commit(generation: number): void;
}

/** A table whose rows lie on many pages and all carry the number of the last commit. */
export function makeDatabase(options: FixtureOptions = {}): Fixture {
  const { pageSize = 4096, journal = "delete", rows = 300 } = options;
  const path = options.path ?? join(temporaryDirectory(), "app.db");
  const writer = new DatabaseSync(path);
  onTestFinished(() => {
    if (writer.isOpen) writer.close();
  });
  writer.exec(`PRAGMA page_size=${pageSize}; PRAGMA journal_mode=${journal}`);
  writer.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, generation INTEGER, filler TEXT)");
  const insert = writer.prepare("INSERT INTO t VALUES (?, 0, ?)");
  writer.exec("BEGIN");
  for (let id = 1; id <= rows; id++) insert.run(id, "x".repeat(400));
  writer.exec("COMMIT");
  const update = writer.prepare("UPDATE t SET generation = ?");
  return { path, writer, commit: (generation) => void update.run(generation) };
}

/** Rows of a query, read by a connection of its own. */
export function rowsAt(path: string, sql: string): unknown[][] {
  const reader = new DatabaseSync(path);
  try {
    return reader
      .prepare(sql)
      .all()
      .map((row) => Object.values(row));
  } finally {
    reader.close();
  }
}

export async function serve(path: string, options?: ServedFileOptions): Promise<ServedFile> {
  const file = await openServedFile(path, options);
  onTestFinished(() => file.close());
  return file;
}

/** What a complete copy of the database says: one generation, and nothing out of place. */
export function generationOf(bytes: Uint8Array): number {
  const path = join(temporaryDirectory(), "copy.db");
  writeFileSync(path, bytes);
  const copy = new DatabaseSync(path);
  try {
    const [integrity] = copy.prepare("PRAGMA integrity_check").all();
    const generations = copy.prepare("SELECT DISTINCT generation AS generation FROM t").all();
    if (integrity?.["integrity_check"] !== "ok" || generations.length !== 1) {
      throw new Error(`mixed pages: ${JSON.stringify({ integrity, generations })}`);
    }
    return Number(generations[0]?.["generation"]);
  } finally {
    copy.close();
  }
}

export interface Pulled {
  readonly header: PullHeader;
  readonly pages: Extract<PullEvent, { kind: "page" }>[];
  /** The pages put together; only where all were pulled. */
  readonly file: Uint8Array<ArrayBuffer>;
}

export function postPull(fetchLike: typeof fetch, request: Partial<PullRequest> = {}): Promise<Response> {
  return fetchLike("http://server/pull-updates", { method: "POST", body: encodePullRequest(request) });
}

export async function decodePull(response: Response): Promise<Pulled> {
  if (response.status !== 200 || response.body === null) {
    throw new Error(`status ${response.status}: ${await response.text()}`);
  }
  const decoder = new PullResponseDecoder();
  const pages: Pulled["pages"] = [];
  for await (const chunk of response.body) {
    for (const event of decoder.push(chunk)) if (event.kind === "page") pages.push(event);
  }
  decoder.end();
  const { header } = decoder;
  if (header === undefined) throw new Error("no header");
  const file = new Uint8Array(pages.reduce((sum, page) => sum + page.bytes.length, 0));
  const pageSize = pages[0]?.bytes.length ?? 0;
  const whole = pages.length === header.pageCount;
  if (whole) for (const page of pages) file.set(page.bytes, page.index * pageSize);
  return { header, pages, file };
}

export async function pull(fetchLike: typeof fetch, request: Partial<PullRequest> = {}): Promise<Pulled> {
  return decodePull(await postPull(fetchLike, request));
}
