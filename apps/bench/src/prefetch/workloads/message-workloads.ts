import { seededRandom } from "../../network/random.ts";
import { type MessageCounts, wordOf } from "../databases/message-database.ts";
import type { Statement, Workload } from "./workload.ts";

const LOOKUP = "SELECT id, user_id, at, subject, body FROM messages WHERE id = ?";
const PROFILE = "SELECT name, email, about FROM users WHERE id = ?";
const LATEST_OF_USER = "SELECT id, at, body FROM messages WHERE user_id = ? ORDER BY at DESC LIMIT ?";

/** What a messenger does with its database, and what people ask it besides. */
export function messageWorkloads({ users, messages, channels }: MessageCounts): Workload[] {
  const random = seededRandom(99);
  const ids = Array.from({ length: 20 }, () => 1 + Math.floor(random() * messages));
  const point: Statement = { sql: LOOKUP, parameters: [ids[0] ?? 1] };
  const lookups = ids.map((id): Statement => ({ sql: LOOKUP, parameters: [id] }));
  const middle = Math.floor(messages / 3);
  const someUsers = [Math.floor(users / 2), Math.floor(users / 2) + 19];
  const latest: Statement = { sql: LATEST_OF_USER, parameters: [5, 100] };
  const made = (
    id: string,
    name: string,
    work: Statement | readonly Statement[],
    quick = false,
  ): Workload => ({
    id,
    name,
    database: "messages",
    statements: "sql" in work ? [work] : work,
    quick,
  });
  return [
    made("point", "point lookup", point, true),
    made("lookups-in-turn", "20 random lookups in turn", lookups),
    { ...made("lookups-at-once", "20 random lookups at once", lookups), atOnce: true },
    made(
      "lookups-in-list",
      "20 random ids, IN list",
      { sql: `SELECT id, user_id, at, subject, body FROM messages WHERE id IN (${ids.join(", ")})` },
      true,
    ),
    made("latest-of-user", "last 100 of a user, scattered", latest, true),
    made("join", "join: 20 users, their messages", {
      sql: "SELECT u.name, m.id, m.body FROM users u JOIN messages m ON m.user_id = u.id WHERE u.id BETWEEN ? AND ?",
      parameters: someUsers,
    }),
    made(
      "range",
      "range of 5,000 rows",
      {
        sql: "SELECT id, user_id, body FROM messages WHERE id BETWEEN ? AND ?",
        parameters: [middle, middle + 4999],
      },
      true,
    ),
    made("time-range", "range of 2,000 by clustered index", {
      sql: "SELECT id, subject FROM messages WHERE at BETWEEN ? AND ?",
      parameters: [1_700_000_000 + middle * 37, 1_700_000_000 + (middle + 1999) * 37],
    }),
    made("count", "count(*)", { sql: "SELECT count(*) FROM messages" }),
    made("group-by", "group by over an index", {
      sql: "SELECT channel_id, count(*) FROM messages GROUP BY channel_id",
    }),
    made("filtered-scan", "filtered scan, LIMIT 20", {
      sql: "SELECT id, subject FROM messages WHERE body LIKE ? LIMIT 20",
      parameters: [`%${wordOf(1300)} ${wordOf(2)[0]}%`],
    }),
    made("full-scan", "full scan", { sql: "SELECT count(*), sum(length(body)) FROM messages" }),
    made(
      "search",
      "full-text search, best 10",
      {
        sql: "SELECT rowid, subject FROM messages_fts WHERE messages_fts MATCH ? ORDER BY rank LIMIT 10",
        parameters: [`${wordOf(2900)} OR ${wordOf(3600)}`],
      },
      true,
    ),
    made("blob", "a blob of 1 MiB", { sql: "SELECT data FROM attachments WHERE id = 1" }),
    made("limit", "LIMIT 10", { sql: "SELECT id, subject, body FROM messages LIMIT 10" }, true),
    made("offset", "LIMIT 10 OFFSET 50000", {
      sql: `SELECT id, subject, body FROM messages LIMIT 10 OFFSET ${Math.min(50_000, messages / 2)}`,
    }),
    made("without-rowid", "WITHOUT ROWID: 5 lookups in turn", [
      ...ids.slice(0, 5).map((id) => ({
        sql: "SELECT user_id, emoji FROM reactions WHERE message_id BETWEEN ? AND ?",
        parameters: [id, id + 20],
      })),
    ]),
    made("autocomplete", "autocomplete: six key presses", autocomplete(wordOf(3000))),
    made("browsing", "browsing session", browsing(users, channels)),
    { ...made("repeated", "anything repeated", [point, latest], true), before: [point, latest] },
  ];
}

function autocomplete(typed: string): Statement[] {
  return Array.from({ length: 6 }, (_, length) => ({
    sql: "SELECT id, name FROM users WHERE name >= ? AND name < ? ORDER BY name LIMIT 8",
    parameters: [typed.slice(0, length + 1), `${typed.slice(0, length + 1)}~`],
  }));
}

/** Somebody looks around: channels, what is new in one, who wrote it, what else they wrote, the reactions. */
function browsing(users: number, channels: number): Statement[] {
  const inChannel =
    "SELECT m.id, m.subject, u.name FROM messages m JOIN users u ON u.id = m.user_id WHERE m.channel_id = ? ORDER BY m.id DESC LIMIT ?";
  const channel = Math.floor(channels / 4);
  const user = Math.floor(users / 5);
  return [
    { sql: "SELECT id, title FROM channels ORDER BY title LIMIT 40" },
    { sql: inChannel, parameters: [channel, 25] },
    { sql: PROFILE, parameters: [user] },
    { sql: LATEST_OF_USER, parameters: [user, 10] },
    { sql: inChannel, parameters: [channel + 1, 25] },
    { sql: inChannel, parameters: [channel, 50] },
    { sql: PROFILE, parameters: [user + 1] },
    { sql: LATEST_OF_USER, parameters: [user + 1, 10] },
    { sql: "SELECT value FROM settings WHERE scope = ? ORDER BY name LIMIT 5", parameters: ["user 12"] },
    { sql: "SELECT id, subject FROM messages ORDER BY at DESC LIMIT 30" },
  ];
}
