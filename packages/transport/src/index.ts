export { type DetectRemoteOptions, detectRemote, type RemoteKind } from "./detect-remote.ts";
export type { HttpOptions } from "./http-endpoint.ts";
export { HttpStatusError } from "./http-status-error.ts";
export { type RetryFetchOptions, retryFetch } from "./retry-fetch.ts";
export type { RetryOptions } from "./retry-policy.ts";
export type { Timers } from "./timers.ts";
export { withRetry } from "./with-retry.ts";
export { type TimeoutOptions, withTimeout } from "./with-timeout.ts";
