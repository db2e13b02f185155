import type { Instance } from "./instance.ts";
import { SQLITE_DONE, SQLITE_ROW } from "./result-code.ts";
import { ROW_TOO_LONG } from "./row-packer.ts";
import type { RowReader } from "./row-reader.ts";

/** Bytes in which rows leave WebAssembly together. */
export const ROW_BUFFER_BYTES = 65_536;
const MAX_BATCH_ROWS = 0x7fff_ffff;

/** A statement that runs, and what becomes of its rows. */
export interface Stepping {
  readonly pointer: number;
  /** `undefined` only counts. */
  readonly reader: RowReader | undefined;
  readonly limit: number;
  readonly rows: unknown[];
}

/**
 * Runs a statement on, appending rows, until it ends or has given `limit` rows.
 * @param buffer a pointer to `ROW_BUFFER_BYTES`
 * @returns whether it ended
 */
export async function stepRows(
  instance: Pick<Instance, "engine" | "call" | "error" | "slices">,
  buffer: number,
  { pointer, reader, limit, rows }: Stepping,
): Promise<boolean> {
  const { heap, waiting } = instance.engine;
  let left = limit;
  for (;;) {
    const most = Math.min(left, MAX_BATCH_ROWS);
    const columns = reader?.columns ?? 0;
    const result = await instance.call(() =>
      waiting.packRows(pointer, columns, buffer, buffer + ROW_BUFFER_BYTES, most),
    );
    left -= heap.words[buffer >>> 2] as number;
    reader?.readPacked(buffer, rows);
    if (result === SQLITE_DONE) return true;
    if (result === ROW_TOO_LONG) {
      left--;
      rows.push(reader?.readCurrent());
    } else if (result !== SQLITE_ROW) throw instance.error(result);
    if (left <= 0) return false;
    await instance.slices.betweenRows();
  }
}
