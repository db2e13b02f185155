import type { RowValues } from "@lacuna/protocol";
import type { ByteWriter } from "./byte-writer.ts";

/** Writes values in the form that SQLite's changesets have: a type, then the value. */
export function writeRowValues(writer: ByteWriter, values: RowValues): void {
  for (const value of values) {
    if (value === undefined) writer.byte(0);
    else if (typeof value === "bigint") writer.byte(1).int64(value);
    else if (typeof value === "number") writer.byte(2).float64(value);
    else if (typeof value === "string") writer.byte(3).text(value);
    else if (value === null) writer.byte(5);
    else writer.byte(4).bytes(value);
  }
}
