/** Numbers as people read them, the same in every locale so that pictures and tests agree. */
export const count = (value: number): string => value.toLocaleString("en");

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Bytes in the largest unit that keeps one digit before the point. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const [unit, size] = value < 1e6 ? ["kB", 1e3] : value < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  const scaled = value / (size as number);
  return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)} ${unit}`;
}

export function milliseconds(value: number): string {
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
}

export function percent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return "0 %";
  const share = (100 * part) / whole;
  return share < 0.01 ? "< 0.01 %" : `${share.toFixed(share < 10 ? 2 : share < 99.95 ? 1 : 0)} %`;
}
