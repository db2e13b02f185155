/** The text of `lacuna --help`. */
export const GENERAL_HELP = `Usage: lacuna <command> [options]

Query a SQLite database that lives somewhere else without downloading it.

Commands:
  query URL SQL...   run SQL on a remote database, a file of a static host or a local file
  inspect URL        tell what a database file is made of, and whether it is sound
  serve FILE|DIR     serve databases to Lacuna and Turso clients, and as static files
  publish FILE DIR   make a directory of a database that any static host can serve
  help [COMMAND]     explain a command

Options:
  -h, --help         show this text
  -V, --version      show the version

Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 130 interrupted.
`;

const QUERY_HELP = `Usage: lacuna query [options] URL SQL [SQL...]

Runs SQL on a database and writes the rows to the standard output. Of the database only the pages come that the SQL
needs.

URL   http:// https:// libsql:// of a sync server, http(s)://host/file.db of a static host,
      http(s)://host/dir/manifest.lacuna of a published directory, or a local file
SQL   one or more statements; - reads them from the standard input

Output:
  --table               a table (default)
  --json                an array of objects for each statement; integers with all their digits, blobs as hexadecimal
  --csv                 RFC 4180 with a header line; NULL is an empty field, the empty string ""
  --stats               tell requests, pages, bytes and time on the standard error

Parameters:
  --param NAME=VALUE    bind :NAME, @NAME or $NAME; a VALUE that is a JSON number, null or a quoted string is taken as
                        such, anything else as text; may be repeated

Database:
  --path FILE           keep what came in FILE, for the next time (default: in memory)
  --auth-token TOKEN    credentials for the remote (default: $LACUNA_AUTH_TOKEN)
  --remote KIND         static, published or sync-server, where it cannot be told by asking
  --prefix BYTES        bring so much of the file at opening (default: 128k)
  --segment-size BYTES  bring so much at once when a page is missing (default: auto)
  --no-prefetch         bring nothing ahead of the query (--prefetch: do, the default)
  --timeout MS          give up on a remote that is silent for so long (default: 30000)

BYTES is a number such as 4096, 128k or 1m.
`;

const SERVE_HELP = `Usage: lacuna serve [options] FILE
       lacuna serve [options] DIR

Serves a SQLite database: to clients of the sync protocol at the address, with SQL over HTTP, and as a static file at
/NAME.db. Of a DIR each database NAME.db is served below /NAME. Ctrl-C lets running requests finish; a second one does
not.

Options:
  --port PORT             port to listen on, 0 for any free one (default: 8080)
  --host HOST             address to listen on (default: 127.0.0.1, this machine only)
  --domain DOMAIN         serve the databases of a DIR at NAME.DOMAIN too
  --read-only             accept no writes, and write nothing beside the file: no history either

Access:
  --auth-token TOKEN      what clients must present (default: $LACUNA_AUTH_TOKEN; none: everybody may do everything)
  --auth-token-file FILE  tokens, one to a line, behind 'read' or 'write'

Limits:
  --keep-hours HOURS      how long old revisions can be read (default: 24)
  --keep-bytes BYTES      what keeping them may take, for each database (default: 256m)
  --sql-limit MS          how long the SQL of a request may run (default: 10000)

Log:
  --verbose               tell each request on the standard error
  --log FORMAT            the same, as text or json

BYTES is a number such as 4096, 128k or 1m. /health and /metrics are for monitoring.
`;

const PUBLISH_HELP = `Usage: lacuna publish [options] FILE DIR

Makes a directory of a database that any static host or bucket can serve: compressed segments that never change, and a
small manifest that is replaced last. Readers take it at http(s)://host/dir/manifest.lacuna, check every byte of it, and
find any row with one request once it is open. Publishing again writes what changed.

Options:
  --keep N              leave the files of N older snapshots, remove those that only older ones need (default: all stay)
  --segment-size BYTES  so much of the database in a segment (default: 128k)
  --structure BYTES     so many of the pages on the way to rows come along with opening, at most (default: 4m)
  --prefix BYTES        so much of the beginning of the file does too (default: 128k)
  --json                tell what was done as a JSON object

BYTES is a number such as 4096, 128k or 1m.
`;

const INSPECT_HELP = `Usage: lacuna inspect [options] URL

Tells what a database file is made of: its header, its tables with columns and affinities, its indexes. Of a remote
database only the pages come that hold this; what needs all of them shows its progress on a terminal.

URL   as for lacuna query, or a local file

What is told (each brings the whole database):
  --trees               depth, pages, fill and overflow of each B-tree, and what is free (local files: the default)
  --pages               what every page is used for
  --pages N             what page N is: its use, its tree, the page that points to it, its cells
  --check               whether anything contradicts the file format, by page and offset; ends with 1 if so

Options:
  --json                one JSON object
  --path FILE           keep what came in FILE, for the next time (default: in memory)
  --auth-token TOKEN    credentials for the remote (default: $LACUNA_AUTH_TOKEN)
  --remote KIND         static, published or sync-server, where it cannot be told by asking
  --timeout MS          give up on a remote that is silent for so long (default: 30000)
`;

const COMMAND_HELP: Readonly<Record<string, string>> = {
  query: QUERY_HELP,
  inspect: INSPECT_HELP,
  serve: SERVE_HELP,
  publish: PUBLISH_HELP,
};

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMAND_HELP);

/** What a command does and takes; `undefined` if there is no such command. */
export function commandHelp(command: string): string | undefined {
  return Object.hasOwn(COMMAND_HELP, command) ? COMMAND_HELP[command] : undefined;
}
