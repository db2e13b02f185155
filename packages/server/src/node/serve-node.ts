import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { LacunaError } from "@lacuna/page";
import { type DirectHandler, directHandlerOf } from "../direct-handler.ts";
import type { Handler } from "../sync-handler.ts";
import { BufferPool } from "./buffer-pool.ts";
import { NodeRequest } from "./node-request.ts";
import { type SendOptions, sendReply } from "./node-response.ts";
import { systemTimers, type Timers } from "./timers.ts";

/** Memory for pieces of answers that is kept for the next ones. */
const KEPT_BYTES = 8 * 2 ** 20;

export interface ServeNodeOptions {
  readonly handler: Handler;
  /**
   * 0 takes any free port.
   * @default 8080
   */
  readonly port?: number | undefined;
  /**
   * The address to listen on. `0.0.0.0` and `::` are reachable from other machines.
   * @default "127.0.0.1"
   */
  readonly host?: string | undefined;
  /**
   * How long `close` lets answers under way finish, in milliseconds.
   * @default 5000
   */
  readonly graceMs?: number | undefined;
  /**
   * How long a client may take to send a request, body and all, in milliseconds.
   * @default 60000
   */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * How long a client may take for one piece of an answer, in milliseconds, before the connection is broken off. Pieces of
   * `syncHandler` have `chunkBytes`; its own time-out holds too, if it is shorter.
   * @default 60000
   */
  readonly stallTimeoutMs?: number | undefined;
  /** @default those of the runtime */
  readonly timers?: Timers | undefined;
}

/** A server that listens. */
export interface NodeServer {
  /** Where it can be reached, without a slash at the end. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Takes no new connections, lets answers under way finish, and breaks off those that take too long. */
  close(): Promise<void>;
}

/**
 * Serves a handler over HTTP with `node:http`.
 * @throws {LacunaError} `BUSY` if the port is taken, `INVALID_OPTION` if it cannot be listened on
 */
export async function serveNode(options: ServeNodeOptions): Promise<NodeServer> {
  const { handler, port = 8080, host = "127.0.0.1", graceMs = 5000, requestTimeoutMs = 60_000 } = options;
  const timeouts = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(5000, requestTimeoutMs),
  };
  const { stallTimeoutMs = 60_000, timers = systemTimers } = options;
  const sending = { stallTimeoutMs, timers, buffers: new BufferPool(KEPT_BYTES) };
  const direct = directHandlerOf(handler);
  const server = createServer(
    timeouts,
    (incoming, outgoing) => void answer(direct, incoming, outgoing, sending),
  );

  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(listenError(cause, host, port)));
    try {
      server.listen(port, host, resolve);
    } catch (cause) {
      reject(listenError(cause, host, port));
    }
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  const urlHost = host.includes(":") ? `[${host}]` : host;

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  return {
    url: `http://${urlHost}:${bound}`,
    host,
    port: bound,
    close: () => (closing ??= close()),
  };
}

async function answer(
  handler: DirectHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  sending: SendOptions,
): Promise<void> {
  let request: NodeRequest;
  try {
    request = new NodeRequest(incoming, outgoing, sending.buffers);
  } catch {
    sendError(outgoing, 400, "PROTOCOL", "this is not a request that can be answered");
    return;
  }
  try {
    await sendReply(await handler(request), outgoing, sending);
  } catch {
    if (!outgoing.headersSent && !outgoing.destroyed)
      sendError(outgoing, 500, "INTERNAL", "the server failed");
    else outgoing.destroy();
  }
}

function sendError(outgoing: ServerResponse, status: number, code: string, message: string): void {
  outgoing.writeHead(status, { "content-type": "application/json", connection: "close" });
  outgoing.end(`${JSON.stringify({ code, message })}\n`);
}

function listenError(cause: unknown, host: string, port: number): LacunaError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") {
    return new LacunaError("BUSY", `port ${port} of ${host} is taken; choose another one`, { cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LacunaError("INVALID_OPTION", `cannot listen on port ${port} of ${host}: ${reason}`, { cause });
}
