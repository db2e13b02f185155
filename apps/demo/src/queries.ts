/** Six queries over a dictionary of 206,797 words that reach into different corners of its file. */
export const QUERIES: readonly string[] = [
  "SELECT type, definition FROM words WHERE word = 'ocean'",
  "SELECT * FROM words WHERE rowid = 123456",
  "SELECT word FROM words WHERE word >= 'sea' AND word < 'seab' ORDER BY word",
  "SELECT word, type FROM words ORDER BY rowid DESC LIMIT 10",
  "SELECT a.word, count(*) AS senses FROM words a WHERE a.word IN ('set', 'run', 'light') GROUP BY a.word",
  "SELECT count(*) FROM words WHERE type = 'adv'",
];
