export { type CappedStoreOptions, cappedStore } from "./capped-store.ts";
