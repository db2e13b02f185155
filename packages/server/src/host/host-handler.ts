import type { Asked } from "../asked.ts";
import { knownTokens, requireBearer } from "../bearer.ts";
import { crossOriginHeaders, preflightAnswer } from "../cross-origin.ts";
import { type DirectHandler, directHandlerOf, handlerOf } from "../direct-handler.ts";
import { errorAnswer, jsonAnswer, Refusal, refusalAnswer } from "../json-answer.ts";
import type { Reply } from "../reply.ts";
import type { ServedDatabase } from "../served-database.ts";
import type { ServedSql } from "../sql/served-sql.ts";
import { type Handler, type SyncHandlerOptions, syncHandler } from "../sync-handler.ts";
import { isDatabaseName } from "./database-name.ts";
import type { Metrics } from "./metrics.ts";
import { observeBody } from "./observe-body.ts";

/** A database in use. */
export interface DatabaseLoan {
  readonly database: ServedDatabase;
  readonly sql?: ServedSql | undefined;
  /** Tells that it is not used any more. */
  release(): void;
}

/** Databases by name. */
export interface DatabaseSet {
  /** The names there are now, sorted. */
  names(): Promise<readonly string[]>;
  /**
   * Lends a database, opened if it is not open.
   * @param name one that passed `isDatabaseName`
   * @returns `undefined` if there is none of that name
   */
  lend(name: string): Promise<DatabaseLoan | undefined>;
}

export interface HostHandlerOptions extends Omit<SyncHandlerOptions, "database" | "sql"> {
  readonly databases: DatabaseSet;
  /**
   * The domain whose subdomains name databases: with `example.com`, `http://notes.example.com/` is the database `notes`.
   * @default databases are at paths only
   */
  readonly domain?: string | undefined;
}

/**
 * Serves several databases: each as `syncHandler` does, below `/NAME/`, and at a host name of its own. `GET /` lists their names.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function hostHandler(options: HostHandlerOptions): Handler {
  const { databases, domain } = options;
  const tokens = knownTokens(options.authToken);
  const crossOrigin = crossOriginHeaders(options.allowOrigin ?? "*");
  const handlers = new WeakMap<ServedDatabase, DirectHandler>();
  const report = options.onError ?? (() => {});
  const ending = domain === undefined ? undefined : `.${domain.toLowerCase()}`;

  const answer = async (request: Asked): Promise<Reply> => {
    const url = new URL(request.url);
    let name: string | undefined;
    let rest = url.pathname;
    const host = url.hostname.toLowerCase();
    if (ending !== undefined && host.endsWith(ending)) name = host.slice(0, -ending.length);
    else {
      const [, first = "", more] = /^\/+([^/]*)(\/.*)?$/s.exec(url.pathname) ?? [];
      if (first !== "") name = decoded(first);
      rest = more ?? "/";
    }
    if (request.method === "OPTIONS") return preflightAnswer();
    // Before anything is looked up: who has no token is not told which names there are.
    requireBearer(request, tokens);
    if (name === undefined) {
      if (request.method !== "GET" && request.method !== "HEAD") {
        throw new Refusal(405, "METHOD_NOT_ALLOWED", "this path takes GET, HEAD", { allow: "GET, HEAD" });
      }
      return jsonAnswer({ databases: await databases.names() });
    }
    const loan = isDatabaseName(name) ? await databases.lend(name) : undefined;
    if (loan === undefined) throw new Refusal(404, "NOT_FOUND", "there is no database of this name");
    let handler = handlers.get(loan.database);
    if (handler === undefined) {
      handler = directHandlerOf(syncHandler({ ...options, database: loan.database, sql: loan.sql }));
      handlers.set(loan.database, handler);
    }
    try {
      const target = new URL(url);
      target.pathname = rest;
      return observeBody(await handler(askedAt(request, target.href)), () => loan.release());
    } catch (error) {
      loan.release();
      throw error;
    }
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

/** The same as if it had been asked at another address. */
function askedAt(asked: Asked, url: string): Asked {
  const { method, headers, signal, buffers } = asked;
  const readBody: Asked["readBody"] = (maxBytes) => asked.readBody(maxBytes);
  return { method, url, headers, signal, buffers, readBody, request: () => asked.request() };
}

/** @returns what is no name at all for a broken escape */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "/";
  }
}

export interface OperationsOptions {
  readonly metrics: Metrics;
  /** As for the handler: metrics are for those who have one. */
  readonly authToken?: SyncHandlerOptions["authToken"];
  /** What `/health` asks: resolves if all is well. */
  readonly check?: (() => Promise<unknown>) | undefined;
}

/** The same handler, with `GET /health`, for everybody, and `GET /metrics`. */
export function withOperations(handler: Handler, { metrics, authToken, check }: OperationsOptions): Handler {
  const tokens = knownTokens(authToken);
  const direct = directHandlerOf(handler);
  return handlerOf(async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method !== "GET" || (pathname !== "/health" && pathname !== "/metrics"))
      return direct(request);
    if (pathname === "/health") {
      try {
        await check?.();
        return jsonAnswer({ status: "ok" });
      } catch {
        return jsonAnswer({ code: "UNHEALTHY", message: "the database cannot be read" }, 503);
      }
    }
    try {
      requireBearer(request, tokens);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refusalAnswer(error);
    }
    const headers = {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      "cache-control": "no-store",
    };
    return { status: 200, headers, body: new TextEncoder().encode(metrics.text()) };
  });
}
