import { type Asked, askedBy } from "./asked.ts";
import { type Reply, replyOf, responseOf, withoutBody } from "./reply.ts";
import type { Handler } from "./sync-handler.ts";

/** A handler as it is inside of this package. */
export type DirectHandler = (asked: Asked) => Promise<Reply>;

const known = new WeakMap<Handler, DirectHandler>();

/** A handler of standard requests. Those of this package that wrap it, and the Node server, reach past its surface. */
export function handlerOf(answer: DirectHandler): Handler {
  const direct: DirectHandler = async (asked) => {
    const reply = await answer(asked);
    return asked.method === "HEAD" ? withoutBody(reply) : reply;
  };
  const handler: Handler = async (request) => responseOf(await direct(askedBy(request)), request.signal);
  known.set(handler, direct);
  return handler;
}

/** What lies behind a handler; any other handler is asked as it wants to be. */
export function directHandlerOf(handler: Handler): DirectHandler {
  return known.get(handler) ?? (async (asked) => replyOf(await handler(asked.request())));
}
