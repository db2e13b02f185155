import type { SqlStats } from "@lacuna/sqlite";
import type { SyncedReplicaStats } from "@lacuna/sync";
import type { CarriedError } from "./carried-error.ts";
import type { Question } from "./question.ts";

/** What is told to all tabs of a database. */
export type Notice =
  /** A tab looks for the owner. `remote` is what it takes the database for a copy of. */
  | { readonly type: "hello"; readonly tab: string; readonly remote: string | undefined }
  /** A tab has become the owner. */
  | { readonly type: "owner" }
  /** The owner takes no further calls: the next one will. */
  | { readonly type: "leaving" }
  /** A transaction was committed, or others' changes were pulled; `except` knows already. */
  | { readonly type: "change"; readonly from: "local" | "remote"; readonly except: string | undefined };

/** What a tab tells the owner, on a channel of those two. */
export type ToOwner =
  | { readonly type: "ask"; readonly id: number; readonly question: Question }
  | { readonly type: "abort"; readonly id: number }
  | { readonly type: "ping" };

/** What the owner tells a tab, on a channel of those two. `owner` is a name that no other owner has. */
export type ToTab =
  | { readonly type: "welcome"; readonly owner: string }
  | { readonly type: "refused"; readonly error: CarriedError }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown; readonly stats: TabStats }
  | { readonly type: "failure"; readonly id: number; readonly error: CarriedError }
  /** The call was not begun: the owner is leaving. */
  | { readonly type: "again"; readonly id: number }
  | { readonly type: "pong" };

/** What the owner's database holds and has cost. */
export interface TabStats {
  readonly replica: SyncedReplicaStats;
  readonly sql: SqlStats;
  readonly inTransaction: boolean;
}

export const noticeChannel = (path: string): string => `lacuna:${path}`;
export const tabChannel = (path: string, tab: string): string => `lacuna tab ${tab}:${path}`;
/** The lock of the tab that owns the database. */
export const ownerLock = (path: string): string => `lacuna owner:${path}`;
/** The lock that a tab has for as long as it is there. */
export const tabLock = (path: string, tab: string): string => `lacuna tab ${tab}:${path}`;
