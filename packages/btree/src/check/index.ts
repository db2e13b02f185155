export { type CheckOptions, type CheckResult, CheckTask } from "./check-task.ts";
export type { Finding, TreeStats } from "./finding.ts";
export type { PageMap, PageUse } from "./page-map.ts";
export { lockBytePage, type PointerMapPage, pointerMapPages } from "./pointer-map.ts";
