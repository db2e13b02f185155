import type { AnswerContext } from "./answer-from-view.ts";
import type { Asked } from "./asked.ts";
import { type Access, type AccessToken, knownTokens, requireBearer } from "./bearer.ts";
import { crossOriginHeaders, preflightAnswer } from "./cross-origin.ts";
import { handlerOf } from "./direct-handler.ts";
import { answerFile } from "./file-answer.ts";
import { errorAnswer, jsonAnswer, Refusal } from "./json-answer.ts";
import { answerPages } from "./pages-answer.ts";
import { answerPull } from "./pull-updates.ts";
import type { QueryOptions } from "./query-limits.ts";
import { QueryRunner } from "./query-runner.ts";
import type { Reply } from "./reply.ts";
import type { ServedDatabase } from "./served-database.ts";
import type { ServedSql } from "./sql/served-sql.ts";
import { answerCursor, answerPipeline } from "./sql/sql-answer.ts";

/** Answers a request. Rejects only when the request was aborted, with the reason. */
export type Handler = (request: Request) => Promise<Response>;

export interface SyncHandlerOptions {
  /** What is served. The handler never closes it. */
  readonly database: ServedDatabase;
  /**
   * What runs SQL on it. The handler never closes it.
   * @default there is no SQL over HTTP
   */
  readonly sql?: ServedSql | undefined;
  /**
   * Refuses to write, whatever the token.
   * @default false
   */
  readonly readOnly?: boolean | undefined;
  /**
   * The bearer token, or several, that requests must name. Printable ASCII without spaces. One without an access may write.
   * @default everybody may read and write
   */
  readonly authToken?: string | readonly (string | AccessToken)[] | undefined;
  /**
   * The origin whose pages may read the answers in a browser.
   * @default "*"
   */
  readonly allowOrigin?: string | undefined;
  /**
   * The longest request body accepted, in bytes.
   * @default 1048576
   */
  readonly maxBodyBytes?: number | undefined;
  /**
   * The longest body accepted of a request that carries SQL, in bytes. A client may push all of its changes in one.
   * @default 16777216
   */
  readonly maxSqlBytes?: number | undefined;
  /**
   * How many bytes of pages are read at a time: an answer under way holds about as much in memory. At least one page is read.
   * @default 524288
   */
  readonly chunkBytes?: number | undefined;
  /**
   * How long a receiver may take over one piece of its answer, `chunkBytes` long, in milliseconds, before that is broken off.
   * @default 60000
   */
  readonly stallTimeoutMs?: number | undefined;
  /**
   * The longest a client is kept waiting for a change, in milliseconds, whatever it asks for.
   * @default 60000
   */
  readonly maxWaitMs?: number | undefined;
  /**
   * What the queries of requests may cost, or `false` to run none. Until the first one comes, SQLite is not loaded.
   * @default see `QueryOptions`
   */
  readonly queries?: QueryOptions | false | undefined;
  /** Hears of what went wrong on the server's side: what was answered with a 500, and answers broken off. */
  readonly onError?: ((error: unknown, request: Request) => void) | undefined;
}

interface Route {
  readonly methods: readonly string[];
  answer(request: Asked, context: AnswerContext & { readonly access: Access }): Promise<Reply>;
}

/**
 * The sync protocol as a function from `Request` to `Response`, and the database as a file with ranges:
 *
 * - `POST /pull-updates`: pages of a revision, what changed since one, or what a query touches
 * - `GET`, `HEAD` of `/NAME`: the file
 * - `GET /pages/REVISION/FIRST-LAST`: pages of a revision, for caches
 * - `POST /v2/pipeline`, `/v3/pipeline`, `/v3/cursor`: SQL, if there is something to run it
 * - `GET /`: what there is
 *
 * Refusals are JSON: `{ code, message }`.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function syncHandler(options: SyncHandlerOptions): Handler {
  const { database, maxBodyBytes = 1_048_576, chunkBytes = 524_288, stallTimeoutMs = 60_000 } = options;
  const { sql, readOnly = false, maxSqlBytes = 16_777_216 } = options;
  const tokens = knownTokens(options.authToken);
  const crossOrigin = crossOriginHeaders(options.allowOrigin ?? "*");
  const report = options.onError ?? (() => {});
  const { maxWaitMs = 60_000 } = options;
  const queries = options.queries === false ? undefined : new QueryRunner(options.queries);

  const reading = ["GET", "HEAD", "OPTIONS"];
  const routeOf = (path: string): Route | undefined => {
    if (path === "/pull-updates") {
      const answer: Route["answer"] = (request, context) =>
        answerPull(request, { ...context, maxBodyBytes, maxWaitMs, queries });
      return { methods: ["POST", "OPTIONS"], answer };
    }
    if (path === "/") return { methods: reading, answer: (_, context) => answerIndex(context) };
    if (path.startsWith("/pages/")) {
      const answer: Route["answer"] = (request, context) =>
        answerPages(request, path, context, tokens === undefined);
      return { methods: reading, answer };
    }
    const sqlRoute = sql === undefined ? undefined : sqlRouteOf(path, sql);
    if (sqlRoute !== undefined) return sqlRoute;
    if (path === `/${database.name}`) return { methods: reading, answer: answerFile };
    return undefined;
  };

  const sqlRouteOf = (path: string, runner: ServedSql): Route | undefined => {
    // Clients ask which versions there are.
    if (path === "/v2" || path === "/v3") return { methods: reading, answer: async () => jsonAnswer({}) };
    const isCursor = path === "/v3/cursor";
    if (!isCursor && path !== "/v2/pipeline" && path !== "/v3/pipeline") return undefined;
    const answer: Route["answer"] = (request, { access, ...context }) => {
      const writable = access === "write" && !readOnly;
      const sqlContext = { ...context, sql: runner, writable, maxBodyBytes: maxSqlBytes };
      return isCursor ? answerCursor(request, sqlContext) : answerPipeline(request, sqlContext);
    };
    return { methods: ["POST", "OPTIONS"], answer };
  };

  const answer = async (request: Asked): Promise<Reply> => {
    // Browsers send no credentials with a preflight.
    if (request.method === "OPTIONS") return preflightAnswer();
    const access = requireBearer(request, tokens);
    const path = pathOf(request);
    const route = path === undefined ? undefined : routeOf(path);
    if (route === undefined) throw new Refusal(404, "NOT_FOUND", "there is nothing at this path; see /");
    if (!route.methods.includes(request.method)) {
      const allow = route.methods.join(", ");
      throw new Refusal(405, "METHOD_NOT_ALLOWED", `this path takes ${allow}`, { allow });
    }
    return route.answer(request, {
      access,
      database,
      chunkBytes,
      stallTimeoutMs,
      buffers: request.buffers,
      signal: request.signal,
      onFailure: (error) => report(error, request.request()),
    });
  };

  return handlerOf(async (request) => {
    let reply: Reply;
    try {
      reply = await answer(request);
    } catch (error) {
      request.signal.throwIfAborted();
      reply = errorAnswer(error, (fault) => report(fault, request.request()));
    }
    return { ...reply, headers: { ...reply.headers, ...crossOrigin } };
  });
}

async function answerIndex({ database, signal }: AnswerContext): Promise<Reply> {
  const { name } = database;
  const view = await database.open({ signal });
  const { revision, pageSize, pageCount } = view;
  await view.close();
  const facts = { file: `/${encodeURIComponent(name)}`, pullUpdates: "/pull-updates" };
  return jsonAnswer({ name, ...facts, revision, pageSize, pageCount });
}

/** Where nothing has to be decoded or resolved, which is nearly always. */
const PLAIN_PATH = /^https?:\/\/[^/?#\\]+(\/[\w/-]*)$/;

/** The path without escapes, and with one slash in front: clients join URLs carelessly. */
function pathOf({ url }: Asked): string | undefined {
  try {
    const path = PLAIN_PATH.exec(url)?.[1] ?? decodeURIComponent(new URL(url).pathname);
    return path.replace(/^\/+/, "/");
  } catch {
    return undefined;
  }
}
