import { type CellValue, hexOf, type RowFormat, realText } from "./row-format.ts";

/**
 * Comma-separated values as RFC 4180 describes them: a header line, CRLF line ends, quotes where needed and doubled
 * inside. NULL is an empty field, the empty string a quoted empty field, a blob its hexadecimal digits.
 */
export function csvFormat(): RowFormat {
  return {
    begin: (columns) => line(columns.map(quoteIfNeeded)),
    row: (values) => line(values.map(field)),
    end: () => "",
  };
}

/** A line of one empty field would be an empty line, which readers skip; quoting it keeps the row. */
function line(fields: readonly string[]): string {
  return `${fields.length === 1 && fields[0] === "" ? '""' : fields.join(",")}\r\n`;
}

function field(value: CellValue): string {
  if (value === null) return "";
  if (typeof value === "string") return value === "" ? '""' : quoteIfNeeded(value);
  if (typeof value === "number") return realText(value);
  if (typeof value === "bigint") return value.toString();
  return hexOf(value);
}

function quoteIfNeeded(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
