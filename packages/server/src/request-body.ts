import { Refusal } from "./json-answer.ts";

/**
 * The body of a request.
 * @throws {Refusal} 413 if it is longer than `maxBytes`, 400 if it breaks off
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLong = (): Refusal =>
    new Refusal(413, "TOO_LARGE", `a request body of at most ${maxBytes} bytes is accepted`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLong();
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
        throw tooLong();
      }
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    request.signal.throwIfAborted();
    throw new Refusal(400, "PROTOCOL", "the request body broke off");
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}
