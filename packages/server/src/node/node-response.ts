import type { ServerResponse } from "node:http";
import type { Buffers } from "../buffers.ts";
import { stalled } from "../chunk-stream.ts";
import type { Reply } from "../reply.ts";
import type { Timers } from "./timers.ts";

export interface SendOptions {
  /** How long the client may take for one piece of the body, in milliseconds. */
  readonly stallTimeoutMs: number;
  readonly timers: Timers;
  /** Gets the memory of pieces back once they are sent. */
  readonly buffers: Buffers;
}

/**
 * Sends a reply piece by piece, each when the one before is gone. If the body fails, or the client stalls, the connection is
 * broken off, so that the client does not take a part for the whole.
 */
export async function sendReply(reply: Reply, outgoing: ServerResponse, options: SendOptions): Promise<void> {
  const { status, headers, body } = reply;
  if (body === null) {
    outgoing.writeHead(status, headers).end();
    return;
  }
  if (body instanceof Uint8Array) {
    outgoing.writeHead(status, { ...headers, "content-length": String(body.length) });
    await send(body, outgoing, options, (done) => outgoing.end(body, done));
    return;
  }
  const stallTimeoutMs = Math.min(options.stallTimeoutMs, body.stallTimeoutMs ?? Number.POSITIVE_INFINITY);
  let failure: unknown;
  try {
    outgoing.writeHead(status, headers);
    while (!outgoing.destroyed) {
      const piece = await body.next();
      if (piece === undefined) {
        outgoing.end();
        break;
      }
      const write = (done: Done): unknown => outgoing.write(piece, done);
      failure = await send(piece, outgoing, { ...options, stallTimeoutMs }, write);
    }
  } catch {
    outgoing.destroy();
  } finally {
    // Harmless after the end; before it, it stops the reading.
    await body.close(failure).catch(() => {});
  }
}

type Done = (error?: Error | null) => void;

/** Resolves when the system has taken the piece, or the connection is gone; with an error if the client was too slow. */
function send(
  piece: Uint8Array,
  outgoing: ServerResponse,
  { stallTimeoutMs, timers, buffers }: SendOptions,
  write: (done: Done) => unknown,
): Promise<unknown> {
  return new Promise((resolve) => {
    // One that closed before tells nobody any more, not even the callback of the last piece.
    if (outgoing.destroyed) return resolve(undefined);
    const settle = (failure?: unknown): void => {
      timers.clearTimeout(timer);
      outgoing.off("close", onClose);
      resolve(failure);
    };
    const onClose = (): void => settle();
    const timer = timers.setTimeout(() => {
      settle(stalled(stallTimeoutMs));
      outgoing.destroy();
    }, stallTimeoutMs);
    outgoing.on("close", onClose);
    write((error) => {
      // Of what was broken off the system may still read.
      if (error === undefined || error === null) buffers.give(piece);
      settle();
    });
  });
}
