/** A statement to begin with. */
export interface Example {
  readonly label: string;
  readonly sql: string;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Statements that fit any database: the first tables, by their names. */
export function examplesFor(tables: readonly string[]): Example[] {
  const schema = { label: "Schema", sql: "SELECT type, name, tbl_name, sql FROM sqlite_schema" };
  const own = tables.filter((name) => !name.startsWith("sqlite_")).slice(0, 4);
  return [
    ...own.map((name) => ({ label: `${name}: first rows`, sql: `SELECT * FROM ${quoted(name)} LIMIT 20` })),
    ...own.slice(0, 2).map((name) => ({
      label: `${name}: last rows`,
      sql: `SELECT rowid, * FROM ${quoted(name)} ORDER BY rowid DESC LIMIT 20`,
    })),
    ...own
      .slice(0, 1)
      .map((name) => ({ label: `${name}: count`, sql: `SELECT count(*) FROM ${quoted(name)}` })),
    schema,
  ];
}

/** Statements for the dictionary that comes with the inspector; each reaches into another corner of its file. */
export const SAMPLE_EXAMPLES: readonly Example[] = [
  { label: "One word", sql: "SELECT word, type, definition\nFROM words\nWHERE word = 'ocean'" },
  {
    label: "A range of words",
    sql: "SELECT word, type, definition\nFROM words\nWHERE word >= 'sea' AND word < 'seab'\nORDER BY word",
  },
  { label: "Last ten", sql: "SELECT rowid, word, type\nFROM words\nORDER BY rowid DESC\nLIMIT 10" },
  {
    label: "Scattered",
    sql: "SELECT word, count(*) AS senses, min(definition) AS first\nFROM words\nWHERE word IN ('set', 'run', 'light', 'zebra', 'quartz', 'azure')\nGROUP BY word",
  },
  { label: "Adverbs", sql: "SELECT count(*) AS adverbs\nFROM words\nWHERE type = 'adv'" },
  {
    label: "Second letters",
    sql: "SELECT substr(word, 2, 1) AS letter, count(*) AS words\nFROM words\nWHERE word >= 'w' AND word < 'x'\nGROUP BY letter\nORDER BY words DESC",
  },
  { label: "Read it all", sql: "SELECT max(length(definition)) AS longest\nFROM words" },
];
