import { LacunaError } from "@lacuna/page";

/**
 * Inflates raw deflate data that must become exactly so many bytes, and stops as soon as it becomes more.
 * @throws {LacunaError} `PROTOCOL`
 */
export async function inflate(
  deflated: Uint8Array<ArrayBuffer>,
  expectedBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const wrong = (found: string, cause?: unknown): LacunaError =>
    new LacunaError("PROTOCOL", `deflated data of ${expectedBytes} bytes expected, found ${found}`, {
      cause,
    });
  const bytes = new Uint8Array(expectedBytes);
  const reader = new Blob([deflated])
    .stream()
    .pipeThrough(new DecompressionStream("deflate-raw"))
    .getReader();
  let filled = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw wrong("something else", cause);
    });
    if (done) break;
    if (filled + value.length > expectedBytes) {
      reader.cancel().catch(() => {});
      throw wrong("more");
    }
    bytes.set(value, filled);
    filled += value.length;
  }
  if (filled < expectedBytes) throw wrong(`${filled}`);
  return bytes;
}
