import type { RequestRecord } from "@lacuna/server";
import { printable } from "./format/printable.ts";

/** What a server tells its operator, a line each. */
export interface ServeLog {
  request(record: RequestRecord): string;
  error(message: string, what?: { readonly method: string; readonly path: string }): string;
  warning(message: string): string;
}

/** Lines for people. */
export const textLog: ServeLog = {
  request: ({ method, path, range, status, bytes, durationMs, aborted }) => {
    const asked = range === undefined ? "" : ` ${printable(range)}`;
    const result = status === 0 ? "aborted" : `${status}${aborted ? " aborted" : ""}`;
    return `${method} ${printable(path)}${asked} ${result} ${bytes} B ${durationMs.toFixed(1)} ms`;
  },
  error: (message, what) => {
    const where = what === undefined ? "" : `${what.method} ${printable(what.path)}: `;
    return `error: ${where}${printable(message)}`;
  },
  warning: (message) => `warning: ${message}`,
};

/** Lines for programs: one JSON object each. */
export const jsonLog: ServeLog = {
  request: ({ timeMs, method, path, range, status, bytes, durationMs, aborted }) =>
    JSON.stringify({
      time: new Date(timeMs).toISOString(),
      level: "info",
      event: "request",
      method,
      path,
      range,
      status,
      bytes,
      ms: Math.round(durationMs * 10) / 10,
      aborted,
    }),
  error: (message, what) => JSON.stringify({ time: now(), level: "error", event: "error", ...what, message }),
  warning: (message) => JSON.stringify({ time: now(), level: "warning", event: "warning", message }),
};

const now = (): string => new Date().toISOString();
