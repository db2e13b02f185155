import { Refusal } from "./json-answer.ts";

/**
 * The body of a request.
 * @throws {Refusal} 413 if it is longer than `maxBytes`, 400 if it breaks off
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw bodyTooLong(maxBytes);
  if (request.body === null) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      parts.push(next.value);
      length += next.value.length;
      if (length > maxBytes) {
        await reader.cancel();
        throw bodyTooLong(maxBytes);
      }
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    request.signal.throwIfAborted();
    throw bodyBrokeOff();
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

export function bodyTooLong(maxBytes: number): Refusal {
  return new Refusal(413, "TOO_LARGE", `a request body of at most ${maxBytes} bytes is accepted`);
}

export function bodyBrokeOff(): Refusal {
  return new Refusal(400, "PROTOCOL", "the request body broke off");
}
