export { isLacunaError, LacunaError } from "@lacuna/page";
export type * from "./names.ts";
export { open } from "./open-anywhere.ts";
