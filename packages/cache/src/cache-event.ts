import type { PageNo } from "@lacuna/page";
import type { FetchCause } from "./fetch-plan.ts";

/** What a cache tells whoever watches it. */
export type CacheEvent =
  /** A request is sent. */
  | {
      readonly type: "request";
      /** Numbers the requests of a cache, from 1. */
      readonly request: number;
      readonly urgency: "demand" | "prefetch";
      /** In the order asked for. */
      readonly pages: readonly PageNo[];
      /** Why each of them is asked for. */
      readonly causes: readonly FetchCause[];
    }
  /** A page arrived. */
  | {
      readonly type: "page";
      readonly page: PageNo;
      readonly cause: FetchCause;
      /** Whether a reader waited for it. */
      readonly awaited: boolean;
    }
  /** A page that came before anybody asked for it has its first reader. */
  | { readonly type: "used"; readonly page: PageNo; readonly cause: FetchCause }
  /** A request ended. */
  | {
      readonly type: "answer";
      readonly request: number;
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
