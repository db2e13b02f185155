/** Prints what was found, and makes the program fail where it is not what has to hold. */
export function fact(what: string, found: unknown, holds: boolean): void {
  console.log(
    `${holds ? "ok  " : "FAIL"} ${what}: ${typeof found === "string" ? found : JSON.stringify(found)}`,
  );
  if (!holds) process.exitCode = 1;
}

/** The tables of the shows: people with an index and long notes, as many as make `bytes` bytes and a little more. */
export function peopleSql(bytes: number): string {
  const people = Math.ceil(bytes / 1100);
  return `
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, note TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${people})
      INSERT INTO person SELECT i, 'person ' || i, hex(randomblob(500)) FROM n;
    CREATE INDEX person_name ON person(name);
  `;
}
