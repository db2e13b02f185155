import type { PageNo } from "@lacuna/page";

/** What a cache tells whoever watches it. */
export type CacheEvent =
  /** A request is sent. */
  | {
      readonly type: "request";
      readonly urgency: "demand" | "prefetch";
      /** In the order asked for. */
      readonly pages: readonly PageNo[];
    }
  /** A request ended. */
  | {
      readonly type: "answer";
      readonly urgency: "demand" | "prefetch";
      readonly outcome: "complete" | "failed" | "cancelled";
      /** Pages asked for. */
      readonly asked: number;
      /** Pages that arrived. */
      readonly arrived: number;
      /** Why it failed. */
      readonly error: unknown;
    }
  /** The store refused pages. They are read from memory while they stay there, and fetched again later. */
  | { readonly type: "store-failed"; readonly pages: readonly PageNo[]; readonly error: unknown };
