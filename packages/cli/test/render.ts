import type { CellValue, RowFormat } from "../src/format/row-format.ts";

/** All the text a format makes of a result. */
export function render(
  format: RowFormat,
  columns: readonly string[],
  rows: readonly (readonly CellValue[])[] = [],
): string {
  return format.begin(columns) + rows.map((row) => format.row(row)).join("") + format.end();
}
