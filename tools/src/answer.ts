/** Rows in a form in which two are equal exactly when every value has the same type and the same bits. */
export function canonicalRows(rows: readonly (readonly unknown[])[], ordered: boolean): readonly string[] {
  const lines = rows.map((row) => row.map(canonicalValue).join("\u001f"));
  return ordered ? lines : lines.sort();
}

/** True if the statement promises an order. */
export const promisesOrder = (sql: string): boolean => /\border\s+by\b(?![^(]*\))/i.test(sql);

/** What differs first, in words; `undefined` if nothing does. */
export function firstDifference(expected: readonly string[], found: readonly string[]): string | undefined {
  if (expected.length !== found.length) return `expected ${expected.length} rows, found ${found.length}`;
  const row = expected.findIndex((line, index) => line !== found[index]);
  return row < 0 ? undefined : `row ${row + 1}: expected ${show(expected[row])}, found ${show(found[row])}`;
}

function canonicalValue(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "bigint") return `integer ${value}`;
  if (typeof value === "string") return `text ${JSON.stringify(value)}`;
  if (typeof value === "number") {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, value);
    return `real ${bits.getBigUint64(0).toString(16).padStart(16, "0")}`;
  }
  if (value instanceof Uint8Array) return `blob ${Buffer.from(value).toString("hex")}`;
  return `unexpected ${typeof value}`;
}

function show(line: string | undefined): string {
  const text = (line ?? "nothing").replaceAll("\u001f", ", ");
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
