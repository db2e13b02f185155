import { type CellValue, hexOf, type RowFormat, realText } from "./row-format.ts";

/**
 * One JSON array of objects, a row a line. Integers are written with all their digits, also beyond 2^53, where a reader
 * that keeps numbers as doubles rounds them. A blob is a string of its hexadecimal digits. A column name that occurred
 * before gets a number behind it: `id`, `id_2`.
 */
export function jsonFormat(): RowFormat {
  let keys: string[] = [];
  let rows = 0;
  return {
    begin(columns) {
      keys = distinctNames(columns).map((name) => `${JSON.stringify(name)}:`);
      return "[";
    },
    row(values) {
      const members = values.map((value, index) => `${keys[index] ?? ""}${jsonValue(value)}`);
      return `${rows++ === 0 ? "" : ",\n"}{${members.join(",")}}`;
    },
    end: () => "]\n",
  };
}

function jsonValue(value: CellValue): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return realText(value);
  if (typeof value === "bigint") return value.toString();
  return `"${hexOf(value)}"`;
}

function distinctNames(columns: readonly string[]): string[] {
  const taken = new Set(columns);
  const used = new Set<string>();
  return columns.map((column) => {
    let name = column;
    for (let count = 2; used.has(name); count++) {
      const candidate = `${column}_${count}`;
      if (!taken.has(candidate)) name = candidate;
    }
    used.add(name);
    return name;
  });
}
