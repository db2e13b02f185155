import type { ServerResponse } from "node:http";

/**
 * Sends a standard response, one piece of the body ahead of what the receiver takes. If the body fails, the connection is broken off, so that the
 * receiver does not take a part for the whole.
 */
export async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null) {
    outgoing.end();
    return;
  }
  const reader = response.body.getReader();
  try {
    let next = reader.read();
    for (let piece = await next; !piece.done; piece = await next) {
      if (outgoing.destroyed) break;
      const hasRoom = outgoing.write(piece.value);
      // One piece is made while the one before is on its way.
      next = reader.read();
      next.catch(() => {});
      if (!hasRoom) await drained(outgoing);
    }
    outgoing.end();
  } catch {
    outgoing.destroy();
  } finally {
    // Harmless after the end; before it, it stops the reading.
    await reader.cancel().catch(() => {});
  }
}

/** Resolves when there is room again, or nobody to make room for. */
function drained(outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}
