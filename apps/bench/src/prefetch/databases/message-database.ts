import { DatabaseSync } from "node:sqlite";
import { seededRandom } from "../../network/random.ts";

/** How much there is of everything. */
export interface MessageCounts {
  readonly users: number;
  readonly messages: number;
  readonly channels: number;
  readonly attachments: number;
}

/** About 100 MB. */
export const FULL_COUNTS: MessageCounts = {
  users: 10_000,
  messages: 300_000,
  channels: 400,
  attachments: 40,
};

/** About 5 MB, for tests. */
export const SMALL_COUNTS: MessageCounts = { users: 500, messages: 10_000, channels: 50, attachments: 4 };

/** Changes with the content, so that an older file is not taken for it. */
export const MESSAGE_DATABASE_VERSION = 4;

const WORDS = 4000;
const SYLLABLES = ["ba", "ne", "ko", "li", "ru", "sta", "mo", "ti", "fen", "da", "gor", "shi", "pel", "wu"];

/** The word of a number: the same everywhere, and no word is the beginning of another by chance alone. */
export function wordOf(number: number): string {
  let word = "";
  for (let left = number + 1; left > 0; left = Math.floor(left / SYLLABLES.length)) {
    word += SYLLABLES[left % SYLLABLES.length];
  }
  return word;
}

/**
 * Makes a database as a messenger might have it. Everything in it follows from `counts`.
 *
 * - `messages` is a table of rows of about 240 bytes; a user's messages are scattered over all of it.
 * - `messages_user` grows with the table, so its pages lie between those of the table; `messages_channel` and
 *   `messages_at` are made afterwards, in one piece. Times rise with the row id, so `messages_at` is clustered.
 * - `reactions` and `settings` are WITHOUT ROWID; `attachments` has chains of overflow pages, up to 1 MiB long.
 * - `messages_fts` is FTS5 over the subjects, which it does not keep itself.
 */
export function createMessageDatabase(path: string, counts: MessageCounts): void {
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;
      CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, about TEXT);
      CREATE TABLE channels(id INTEGER PRIMARY KEY, title TEXT NOT NULL);
      CREATE TABLE messages(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, channel_id INTEGER NOT NULL,
        at INTEGER NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL);
      CREATE INDEX messages_user ON messages(user_id, at);
      CREATE TABLE reactions(message_id INTEGER, user_id INTEGER, emoji TEXT NOT NULL,
        PRIMARY KEY (message_id, user_id)) WITHOUT ROWID;
      CREATE TABLE settings(scope TEXT, name TEXT, value TEXT, PRIMARY KEY (scope, name)) WITHOUT ROWID;
      CREATE TABLE attachments(id INTEGER PRIMARY KEY, message_id INTEGER, name TEXT, data BLOB);
      CREATE VIRTUAL TABLE messages_fts USING fts5(subject, content='messages', content_rowid='id');
      CREATE INDEX users_name ON users(name);
      BEGIN`);
    fill(db, counts);
    db.exec(`COMMIT;
      CREATE INDEX messages_channel ON messages(channel_id);
      CREATE INDEX messages_at ON messages(at);
      INSERT INTO messages_fts(messages_fts) VALUES ('rebuild');
      INSERT INTO messages_fts(messages_fts) VALUES ('optimize')`);
  } finally {
    db.close();
  }
}

function fill(db: DatabaseSync, { users, messages, channels, attachments }: MessageCounts): void {
  const random = seededRandom(7);
  const below = (count: number): number => Math.floor(random() * count);
  // Some words, users and channels are met far more often than others.
  const often = (count: number): number => Math.floor(random() ** 3 * count);
  const text = (words: number): string => {
    let line = "";
    for (let word = 0; word < words; word++) line += `${word === 0 ? "" : " "}${wordOf(often(WORDS))}`;
    return line;
  };
  const user = db.prepare("INSERT INTO users VALUES (?, ?, ?, ?)");
  for (let id = 1; id <= users; id++) {
    const name = `${wordOf(below(WORDS))} ${wordOf(id)}`;
    user.run(id, name, `${name.replace(" ", ".")}@example.com`, text(6));
  }
  const channel = db.prepare("INSERT INTO channels VALUES (?, ?)");
  for (let id = 1; id <= channels; id++) channel.run(id, text(3));
  const setting = db.prepare("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)");
  for (let id = 0; id < users; id++) setting.run(`user ${id % 997}`, `${wordOf(id)}.size`, text(2));
  const message = db.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)");
  const reaction = db.prepare("INSERT OR IGNORE INTO reactions VALUES (?, ?, ?)");
  for (let id = 1; id <= messages; id++) {
    const from = 1 + often(users);
    message.run(id, from, 1 + often(channels), 1_700_000_000 + id * 37, text(5), text(12 + below(30)));
    if (id % 3 === 0) reaction.run(1 + below(messages), from, "👍");
  }
  const attachment = db.prepare("INSERT INTO attachments VALUES (?, ?, ?, ?)");
  for (let id = 1; id <= attachments; id++) {
    // The first has 1 MiB, the others up to 128 KiB.
    const bytes = id === 1 ? 2 ** 20 : 1024 * (1 + below(128));
    // Like pictures, they cannot be compressed.
    const data = new Uint32Array(bytes / 4).map(() => below(2 ** 32));
    attachment.run(id, 1 + below(messages), `${wordOf(id)}.jpeg`, new Uint8Array(data.buffer));
  }
}
