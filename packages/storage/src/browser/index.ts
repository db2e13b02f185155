export { type BrowserStorage, type BrowserStoreOptions, openBrowserStore } from "./open-browser-store.ts";
