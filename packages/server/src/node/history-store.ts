import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { LacunaError, type PageNo, type PageRange } from "@lacuna/page";
import { BUSY, primaryCode } from "./sqlite-error.ts";
import type { Steps } from "./steps.ts";

/** Where the newest recorded revision stands in the files. */
export interface RecordedPlace {
  /** Of the write-ahead log; empty if there was none. */
  readonly salts: string;
  /** Frames of the log up to the commit. */
  readonly frames: number;
  /** The checksum of the last of them. */
  readonly checksum: string;
}

/** What is known of the database file alone, without its write-ahead log. */
export interface RecordedBase {
  /** The revision it holds. */
  readonly number: number;
  /** The name of its content, see `fileStamp`. */
  readonly stamp: string;
}

/** What a store remembers across restarts. */
export interface Recorded {
  readonly generation: string;
  readonly newest: number;
  readonly place: RecordedPlace;
  readonly base: RecordedBase | undefined;
}

export interface NewRevision {
  /** Pages of the database. */
  readonly pageCount: number;
  /** Tells it apart from one of the same number that a copy of the files may come to have. */
  readonly tag: string;
  readonly madeMs: number;
  /** The pages its commit changed. */
  readonly changed: Iterable<PageNo>;
}

export interface RecordedRevision extends Omit<NewRevision, "changed"> {
  /** Bytes of the images that its commit made necessary. */
  readonly imageBytes: number;
  /** The last of the images of this and all older revisions. */
  readonly lastImage: number;
}

export interface Retention {
  /** How long a revision can be read after a newer one was made, in milliseconds. */
  readonly ms: number;
  /** Bytes of old pages that are kept at most. */
  readonly bytes: number;
}

/** "LcHi", so that no other file is taken for one of these. */
const APPLICATION_ID = 0x4c63_4869;
const FORMAT = 1;

const SCHEMA = `
  CREATE TABLE fact (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE revision (
    number INTEGER PRIMARY KEY, pageCount INTEGER NOT NULL, madeMs INTEGER NOT NULL,
    imageBytes INTEGER NOT NULL, lastImage INTEGER NOT NULL, tag TEXT NOT NULL);
  CREATE TABLE change (number INTEGER, page INTEGER, PRIMARY KEY (number, page)) WITHOUT ROWID;
  CREATE TABLE image (id INTEGER PRIMARY KEY, page INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE UNIQUE INDEX image_page ON image (page, number);
`;

interface Statements {
  readonly fact: StatementSync;
  readonly setFact: StatementSync;
  readonly addRevision: StatementSync;
  readonly addChange: StatementSync;
  readonly addImage: StatementSync;
  readonly revision: StatementSync;
  readonly nextImage: StatementSync;
  readonly imageBytes: StatementSync;
  readonly changes: StatementSync;
}

/**
 * The revisions of a database that can still be read, in a SQLite file of its own beside it.
 *
 * For each revision it keeps which pages its commit changed, and what these pages held before. A page as of revision R is
 * its oldest image of the revisions behind R, or, where there is none, the present page. One process owns a store at a time.
 */
export class HistoryStore {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  #recorded: Recorded;
  #oldest = 0;
  #lastImage = 0;
  /** Of the revisions behind the oldest: bytes of images. */
  #bytes = 0;
  #pendingBytes = 0;

  private constructor(database: DatabaseSync, recorded: Recorded | undefined) {
    this.#database = database;
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    this.#statements = {
      fact: prepare("SELECT value FROM fact WHERE name = ?"),
      setFact: prepare("INSERT OR REPLACE INTO fact VALUES (?, ?)"),
      addRevision: prepare("INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?)"),
      addChange: prepare("INSERT OR IGNORE INTO change VALUES (?, ?)"),
      addImage: prepare("INSERT INTO image VALUES (?, ?, ?, ?)"),
      revision: prepare(
        "SELECT pageCount, madeMs, imageBytes, lastImage, tag FROM revision WHERE number = ?",
      ),
      nextImage: prepare(
        "SELECT page, number, id FROM image WHERE (page, number) > (?, ?) ORDER BY page, number LIMIT 1",
      ),
      imageBytes: prepare("SELECT bytes FROM image WHERE id = ?"),
      changes: prepare("SELECT DISTINCT page FROM change WHERE number > ? AND number <= ? ORDER BY page"),
    };
    this.#recorded = recorded ?? NOTHING;
    this.#load();
  }

  /**
   * @param maxPages what the file may grow to, in pages of 4096 bytes
   * @throws {LacunaError} `LOCKED` if another process has it, `STORAGE` if it cannot be made or is something else
   */
  static open(path: string, maxPages?: number): HistoryStore {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path);
      database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
      if (maxPages !== undefined) database.exec(`PRAGMA max_page_count=${maxPages}`);
      database.exec("BEGIN IMMEDIATE");
      const id = database.prepare("PRAGMA application_id").get()?.["application_id"];
      const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.["count"];
      if (tables === 0) {
        database.exec(`PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${FORMAT}; ${SCHEMA}`);
      } else if (id !== APPLICATION_ID) {
        throw new LacunaError("STORAGE", "a file of that name exists and is no history; move it away", {
          path,
        });
      }
      const format = database.prepare("PRAGMA user_version").get()?.["user_version"];
      if (format !== FORMAT) {
        throw new LacunaError("STORAGE", `a history of format ${FORMAT} expected, found ${format}`, { path });
      }
      database.exec("COMMIT");
      return new HistoryStore(database, readRecorded(database));
    } catch (cause) {
      database?.close();
      if (cause instanceof LacunaError) throw cause;
      const message = cause instanceof Error ? cause.message : String(cause);
      if (primaryCode(cause) === BUSY)
        throw new LacunaError("LOCKED", "another server has the history of this database", { path, cause });
      throw new LacunaError("STORAGE", `cannot open the history: ${message}`, { path, cause });
    }
  }

  /** What was recorded last; `undefined` before the first generation. */
  get recorded(): Recorded | undefined {
    return this.#recorded === NOTHING ? undefined : this.#recorded;
  }

  /** The oldest revision that can be read. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Bytes of old pages kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Runs a task that adds revisions, all of it or nothing. Other calls may read in its pauses; they see what was added, which
   * is as true as what they would have found in the files.
   */
  *transaction(task: () => Steps<void> | undefined): Steps<void> {
    const before = this.#recorded;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const steps = task();
      if (steps !== undefined) yield* steps;
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      this.#recorded = before;
      this.#load();
      throw error;
    }
  }

  /** Forgets everything and starts counting anew, at 0. */
  startGeneration(generation: string, pageCount: number, nowMs: number, place: RecordedPlace): void {
    this.#database.exec("DELETE FROM image; DELETE FROM change; DELETE FROM revision; DELETE FROM fact");
    this.#setFact("generation", generation);
    this.#recorded = { generation, newest: 0, place: NOWHERE, base: undefined };
    this.#statements.addRevision.run(0, pageCount, nowMs, 0, 0, "0");
    this.setPlace(place);
    this.#load();
  }

  /** Adds the content that a page had before the commit that makes revision `number`. */
  addImage(number: number, page: PageNo, bytes: Uint8Array): void {
    this.#statements.addImage.run(++this.#lastImage, page, number, bytes);
    this.#pendingBytes += bytes.length;
  }

  /** Adds a revision, after its images. */
  addRevision(number: number, { pageCount, tag, madeMs, changed }: NewRevision): void {
    for (const page of changed) this.#statements.addChange.run(number, page);
    this.#statements.addRevision.run(number, pageCount, madeMs, this.#pendingBytes, this.#lastImage, tag);
    this.#bytes += this.#pendingBytes;
    this.#pendingBytes = 0;
    this.#recorded = { ...this.#recorded, newest: number };
  }

  setPlace(place: RecordedPlace): void {
    this.#setFact("place", JSON.stringify(place));
    this.#recorded = { ...this.#recorded, place };
  }

  setBase(base: RecordedBase): void {
    this.#setFact("base", JSON.stringify(base));
    this.#recorded = { ...this.#recorded, base };
  }

  /** Forgets revisions, the oldest first, until the rest is within the retention. The newest stays. */
  prune(retention: Retention, nowMs: number): void {
    const { newest } = this.#recorded;
    const before = this.#oldest;
    let oldest = before;
    let bytes = this.#bytes;
    let lastImage = 0;
    while (oldest < newest) {
      // A revision was read for as long as the one behind it did not exist.
      const next = this.#revision(oldest + 1);
      if (next === undefined) break;
      if (bytes <= retention.bytes && next.madeMs > nowMs - retention.ms) break;
      oldest++;
      bytes -= next.imageBytes;
      ({ lastImage } = next);
    }
    if (oldest === before) return;
    this.#database.prepare("DELETE FROM image WHERE id <= ?").run(lastImage);
    this.#database.prepare("DELETE FROM change WHERE number <= ?").run(oldest);
    this.#database.prepare("DELETE FROM revision WHERE number < ?").run(oldest);
    this.#oldest = oldest;
    this.#bytes = bytes;
  }

  /** What is known of a revision, the oldest kept or newer; `undefined` if it is not known. */
  revision(number: number): RecordedRevision | undefined {
    return number < this.#oldest ? undefined : this.#revision(number);
  }

  /** What pages of a range held at a revision, for those that were changed since. */
  imagesAt(number: number, { first, last }: PageRange): Map<PageNo, Uint8Array> {
    const images = new Map<PageNo, Uint8Array>();
    const { nextImage, imageBytes } = this.#statements;
    let page: number = first;
    let after = number;
    for (;;) {
      const next = nextImage.get(page, after);
      const found = Number(next?.["page"] ?? 0) as PageNo;
      if (next === undefined || found > last) return images;
      if (Number(next["number"]) > number) {
        const bytes = imageBytes.get(Number(next["id"]))?.["bytes"];
        if (bytes instanceof Uint8Array) images.set(found, bytes);
        page = found + 1;
        after = number;
      } else page = found;
    }
  }

  /** The pages that commits changed behind one revision, up to another one. Ascending. */
  changedBetween(number: number, to: number): PageNo[] {
    return this.#statements.changes.all(number, to).map((row) => Number(row["page"]) as PageNo);
  }

  close(): void {
    this.#database.close();
  }

  /** Closes it, and deletes it if no generation was ever begun. */
  discard(): void {
    const isEmpty = this.recorded === undefined;
    const path = this.#database.location();
    this.#database.close();
    if (isEmpty && path !== null) rmSync(path, { force: true });
  }

  #revision(number: number): RecordedRevision | undefined {
    const row = this.#statements.revision.get(number);
    if (row === undefined) return undefined;
    const { pageCount, madeMs, imageBytes, lastImage, tag } = row;
    return {
      pageCount: Number(pageCount),
      madeMs: Number(madeMs),
      imageBytes: Number(imageBytes),
      lastImage: Number(lastImage),
      tag: String(tag),
    };
  }

  #setFact(name: string, value: string): void {
    this.#statements.setFact.run(name, value);
  }

  /** Counts what is there. */
  #load(): void {
    const sql =
      "SELECT min(number) AS oldest, max(lastImage) AS lastImage, sum(imageBytes) AS bytes FROM revision";
    const row = this.#database.prepare(sql).get();
    this.#oldest = Number(row?.["oldest"] ?? 0);
    this.#lastImage = Number(row?.["lastImage"] ?? 0);
    this.#bytes = Number(row?.["bytes"] ?? 0) - (this.#revision(this.#oldest)?.imageBytes ?? 0);
    this.#pendingBytes = 0;
  }
}

/** No log, or one without commits. */
export const NOWHERE: RecordedPlace = { salts: "", frames: 0, checksum: "" };
const NOTHING: Recorded = { generation: "", newest: 0, place: NOWHERE, base: undefined };

/** A name for a line of revisions that no other line ever had. */
export function newGeneration(): string {
  return BigInt(`0x${randomBytes(8).toString("hex")}`).toString(36);
}

function readRecorded(database: DatabaseSync): Recorded | undefined {
  const fact = (name: string): string | undefined => {
    const value = database.prepare("SELECT value FROM fact WHERE name = ?").get(name)?.["value"];
    return typeof value === "string" ? value : undefined;
  };
  const generation = fact("generation");
  const place = fact("place");
  const base = fact("base");
  if (generation === undefined || place === undefined) return undefined;
  const newest = Number(
    database.prepare("SELECT max(number) AS newest FROM revision").get()?.["newest"] ?? 0,
  );
  return {
    generation,
    newest,
    place: JSON.parse(place) as RecordedPlace,
    base: base === undefined ? undefined : (JSON.parse(base) as RecordedBase),
  };
}
