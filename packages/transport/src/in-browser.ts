/** True in a browser's window or worker, where `fetch` has a cache of its own and other origins must permit headers. */
export const inBrowser = (): boolean => "document" in globalThis || "importScripts" in globalThis;
