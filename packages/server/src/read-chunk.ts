import { countPages, type PageRange } from "@lacuna/page";
import type { AnswerContext } from "./answer-from-view.ts";
import type { ServedView } from "./served-database.ts";

/** Reads pages into memory of the receiver's, with some room in front of them. */
export async function readChunk(
  view: ServedView,
  ranges: readonly PageRange[],
  roomBytes: number,
  { buffers, signal }: Pick<AnswerContext, "buffers" | "signal">,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunk = buffers.take(roomBytes + countPages(ranges) * view.pageSize);
  const into = chunk.subarray(roomBytes);
  const bytes = await view.read(ranges, { signal, into });
  // A view from outside may not know where to put them.
  if (bytes !== into) into.set(bytes);
  return chunk;
}
