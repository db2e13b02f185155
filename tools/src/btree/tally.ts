/** What was wrong, and where. */
export const failures: string[] = [];
/** How often something was done or found. */
export const counts = new Map<string, number>();

export const count = (what: string, by = 1): unknown => counts.set(what, (counts.get(what) ?? 0) + by);
export function fail(where: string, what: string): void {
  count("FAILED");
  failures.push(`${where}: ${what}`);
}
