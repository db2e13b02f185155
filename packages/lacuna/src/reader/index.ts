export { isLacunaError, LacunaError } from "@lacuna/page";
export { type RetryFetchOptions, retryFetch } from "@lacuna/transport";
export type * from "./names.ts";
export { open } from "./open-anywhere.ts";
