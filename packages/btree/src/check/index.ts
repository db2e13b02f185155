export { type CheckOptions, type CheckResult, CheckTask } from "./check-task.ts";
export type { Finding, TreeStats } from "./finding.ts";
export type { PageUse, PageUses } from "./page-uses.ts";
export { lockBytePage, type PointerMapPage, pointerMapPages } from "./pointer-map.ts";
