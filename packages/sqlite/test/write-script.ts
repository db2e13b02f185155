/** Numbers that look random and are the same for the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 2_654_435_761 + 1;
  }

  /** From 0 to `sides - 1`. */
  roll(sides: number): number {
    this.#state = (Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9) | 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 12), 0x297a_2d39);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % sides;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.roll(values.length)] as T;
  }
}

/** A database with a table of every kind. */
export const SCHEMA = `
  PRAGMA page_size = 1024;
  CREATE TABLE plain(a, b, c);
  CREATE TABLE keyed(id INTEGER PRIMARY KEY, v TEXT, w);
  CREATE TABLE auto(id INTEGER PRIMARY KEY AUTOINCREMENT, v UNIQUE);
  CREATE TABLE pair(x TEXT NOT NULL, y INT NOT NULL, v, g AS (x || y), PRIMARY KEY(y, x)) WITHOUT ROWID;
  CREATE TABLE named(n TEXT PRIMARY KEY NOT NULL, v INT CHECK (v <> 13), s INT AS (v + 1) STORED) STRICT;
  CREATE TABLE loose(k TEXT, n INT, g AS (k || n), v, PRIMARY KEY(n, k));
  INSERT INTO loose VALUES (NULL, 1, 'a'), ('x', NULL, 'b'), (NULL, NULL, 'c'), (NULL, NULL, 'c'), ('y', 2, 'd');
  CREATE INDEX keyed_v ON keyed(v);
  CREATE INDEX pair_v ON pair(v, x);
  CREATE TABLE log(what TEXT, id);
  CREATE TRIGGER keyed_log AFTER UPDATE ON keyed BEGIN INSERT INTO log VALUES ('update', new.id); END;
  CREATE VIEW both AS SELECT id, v FROM keyed UNION ALL SELECT id, v FROM auto;
  CREATE TRIGGER both_insert INSTEAD OF INSERT ON both BEGIN
    INSERT INTO keyed VALUES (new.id, new.v, 'through the view');
  END;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
    INSERT INTO keyed SELECT i * 3, 'v' || i, substr(hex(zeroblob(900)), 1, i * 15) FROM n;
  INSERT INTO plain SELECT v, id, w FROM keyed WHERE id % 2 = 0;
  INSERT INTO pair(x, y, v) SELECT 'x' || id % 7, id, w FROM keyed;
  INSERT INTO named(n, v) SELECT v, id + 1000 FROM keyed;
  INSERT INTO auto(v) SELECT v FROM keyed WHERE id < 100;
`;

/** Statements that belong together, to be run in order. Any of them may fail. */
export function* writeScript(dice: Dice, count: number): Generator<string, void, undefined> {
  let tables = 0;
  let depth = 0;
  let open = false;
  for (let index = 0; index < count; index++) {
    const id = () => 1 + dice.roll(420);
    const text = () => `'${"long ".repeat(dice.pick([0, 1, 3, 500, 900]))}${dice.roll(1000)}'`;
    const conflict = () =>
      dice.pick(["", "", "", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK"]);
    const some = () => dice.pick([`= ${id()}`, `BETWEEN ${id()} AND ${id()}`, `% ${1 + dice.roll(60)} = 0`]);
    const more = `more${dice.roll(4)}`;
    const key = () => dice.pick(["NULL", "'x'", "'y'", "'z'"]);
    const number = () => dice.pick(["NULL", "1", "2", "3"]);
    switch (dice.roll(32)) {
      case 0:
      case 1:
        yield open
          ? dice.pick(["COMMIT", "COMMIT", "ROLLBACK", "END"])
          : `BEGIN ${dice.pick(["", "IMMEDIATE", "EXCLUSIVE"])}`;
        open = !open;
        break;
      case 2:
        yield `SAVEPOINT s${depth++ % 3}`;
        break;
      case 3:
        yield `${dice.pick(["RELEASE", "ROLLBACK TO", "ROLLBACK TO"])} s${dice.roll(3)}`;
        break;
      case 4:
        yield `CREATE TABLE ${dice.pick(["", "IF NOT EXISTS "])}more${tables++ % 4}(a ${dice.pick(["", "INTEGER PRIMARY KEY", "PRIMARY KEY NOT NULL"])}, b)`;
        break;
      case 5:
        yield `CREATE TABLE ${more} AS SELECT id, ${dice.pick(["v", "w", "id / 2.0 AS half"])} FROM keyed WHERE id ${some()}`;
        break;
      case 6:
        yield dice.pick([
          `DROP TABLE IF EXISTS ${more}`,
          `DROP TABLE ${more}`,
          `ALTER TABLE ${more} ADD COLUMN c${dice.roll(3)} DEFAULT 5`,
        ]);
        break;
      case 7:
        yield dice.pick([
          `ALTER TABLE ${more} RENAME TO more${dice.roll(4)}`,
          `ALTER TABLE ${more} RENAME COLUMN b TO "b ${dice.roll(3)}"`,
          `ALTER TABLE ${more} DROP COLUMN c${dice.roll(3)}`,
          `CREATE INDEX IF NOT EXISTS i${dice.roll(4)} ON ${more}(a)`,
          "DROP INDEX IF EXISTS i1",
        ]);
        break;
      case 8:
      case 9:
        yield `INSERT${conflict()} INTO ${more}(a) VALUES (${id()}), (${id()})`;
        break;
      case 10:
        yield dice.pick([
          `UPDATE ${more} SET a = a + 1`,
          `DELETE FROM ${more}`,
          `DELETE FROM ${more} WHERE a ${some()}`,
        ]);
        break;
      case 11:
        yield `INSERT INTO both VALUES (${id()}, ${text()})`;
        break;
      case 12:
      case 13:
        yield `INSERT${conflict()} INTO keyed VALUES (${id()}, ${text()}, ${text()}), (${id()}, ${text()}, NULL)`;
        break;
      case 14:
        yield `INSERT INTO keyed(id, v) VALUES (${id()}, ${text()}) ON CONFLICT DO UPDATE SET w = excluded.v RETURNING id, w`;
        break;
      case 15:
        yield `UPDATE${conflict()} keyed SET ${dice.pick([`w = ${text()}`, "id = id + 1", "v = w, w = v"])} WHERE id ${some()}`;
        break;
      case 16:
        yield `DELETE FROM keyed WHERE id ${some()}`;
        break;
      case 17:
      case 18:
        yield `INSERT INTO plain VALUES (${id()}, ${text()}, x'00ff${id() % 10}0')`;
        break;
      case 19:
        yield dice.pick([
          `UPDATE plain SET c = ${text()} WHERE rowid ${some()}`,
          `DELETE FROM plain WHERE rowid ${some()}`,
        ]);
        break;
      case 20:
        yield `INSERT${conflict()} INTO auto(v) VALUES (${text()}), (${text()})`;
        break;
      case 21:
        yield dice.pick([
          `DELETE FROM auto WHERE id ${some()}`,
          `UPDATE${conflict()} auto SET v = v || 'x' WHERE id ${some()}`,
        ]);
        break;
      case 22:
        yield `INSERT${conflict()} INTO pair(x, y, v) VALUES ('x${dice.roll(7)}', ${id()}, ${text()})`;
        break;
      case 23:
        yield dice.pick([
          `UPDATE${conflict()} pair SET y = y + 1 WHERE y ${some()}`,
          `DELETE FROM pair WHERE y ${some()}`,
        ]);
        break;
      case 24:
        yield `INSERT${conflict()} INTO named(n, v) VALUES (${text()}, ${dice.pick(["13", id(), "'text'"])})`;
        break;
      case 25:
        yield `UPDATE${conflict()} named SET ${dice.pick(["n = n || 'y'", "v = v - 1"])} WHERE v ${some()}`;
        break;
      case 26:
        yield dice.pick([
          "DELETE FROM log",
          "DELETE FROM plain",
          "PRAGMA user_version = 7",
          "ANALYZE",
          "REINDEX",
        ]);
        break;
      case 27:
        yield dice.pick([
          "VACUUM",
          "PRAGMA incremental_vacuum",
          "SELECT count(*) FROM plain",
          "PRAGMA integrity_check",
        ]);
        break;
      case 28:
        yield `INSERT${conflict()} INTO loose(k, n, v) VALUES (${key()}, ${number()}, ${text()}), (${key()}, ${number()}, 1.5)`;
        break;
      case 29:
        yield dice.pick([
          `UPDATE${conflict()} loose SET k = ${key()} WHERE n IS ${number()}`,
          `UPDATE${conflict()} loose SET n = ${number()}, v = x'0102' WHERE k IS ${key()}`,
          `DELETE FROM loose WHERE n IS ${number()}`,
          `UPDATE${conflict()} loose SET rowid = rowid + 20 WHERE k IS ${key()}`,
        ]);
        break;
      default:
        yield dice.pick([
          "SELECT count(*), sum(id), max(w) FROM keyed",
          "SELECT * FROM pair ORDER BY y DESC LIMIT 3",
          "SELECT v, count(*) FROM auto GROUP BY v ORDER BY 1 LIMIT 4",
          "SELECT a, b FROM plain ORDER BY rowid DESC LIMIT 2",
        ]);
    }
  }
  yield "COMMIT";
}
