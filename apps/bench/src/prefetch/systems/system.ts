import type { DatabaseStats } from "lacuna";
import type { Handler } from "../../network/simulated-network.ts";
import type { Statement } from "../workloads/workload.ts";
import type { RequestLog } from "./request-log.ts";

/** A row, its values in the order of the columns. */
export type ResultRow = readonly unknown[];

/** What Lacuna tells of its own doing. */
export interface OwnStats {
  readonly cache: DatabaseStats["cache"];
  readonly runAhead: DatabaseStats["sql"]["runAhead"];
}

/** A database opened by somebody, ours or not. */
export interface OpenSystem {
  all(statement: Statement): Promise<readonly ResultRow[]>;
  /** What it knows of its own doing; ours only. */
  stats?(): Promise<OwnStats>;
  close(): Promise<void>;
}

/** Whoever opens a database over the simulated network. */
export interface NetworkSystem {
  readonly kind: "network";
  readonly id: string;
  readonly name: string;
  /** What serves the database to it; `single` answers no more than one range of the file a request, as stores of objects do. */
  readonly server: "raw" | "compressed" | "single";
  /** Whether it is given the URL of the server or of the file. */
  readonly path: "server" | "file";
  open(site: { readonly url: string; readonly fetch: typeof fetch; now(): number }): Promise<OpenSystem>;
}

/**
 * Whoever asks for one thing after another: what it asks for does not depend on the network, and how long it takes follows
 * from what it asks for. So it is run once, without a network.
 */
export interface SerialSystem {
  readonly kind: "serial";
  readonly id: string;
  readonly name: string;
  open(site: {
    readonly handler: Handler;
    readonly path: string;
    readonly log: RequestLog;
  }): Promise<OpenSystem>;
}

export type System = NetworkSystem | SerialSystem;
