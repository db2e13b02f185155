import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { RequestLog } from "./request-log.ts";

/** What of `XMLHttpRequest` is used by code that waits for it. */
export interface SynchronousRequest {
  open(method: string, url: string, async: boolean): void;
  setRequestHeader(name: string, value: string): void;
  send(body?: unknown): void;
  getResponseHeader(name: string): string | null;
  getAllResponseHeaders(): string;
  responseType: string;
  readonly status: number;
  readonly response: ArrayBuffer;
  onload: (() => void) | null;
}

/** A class in place of `XMLHttpRequest` whose other end is a host of static files that has one file, and a log. */
export function synchronousRequests(path: string, log: RequestLog): new () => SynchronousRequest {
  return class implements SynchronousRequest {
    responseType = "";
    status = 0;
    response = new ArrayBuffer(0);
    onload: (() => void) | null = null;
    #method = "GET";
    #range = "";
    #length = 0;

    open(method: string, _url: string, async: boolean): void {
      if (async) throw new Error("BUG: a request that does not wait");
      this.#method = method;
    }

    setRequestHeader(name: string, value: string): void {
      if (name.toLowerCase() === "range") this.#range = value;
    }

    send(): void {
      const file = openSync(path, "r");
      try {
        const { size } = fstatSync(file);
        const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(this.#range) ?? [];
        const start = Number(first ?? 0);
        this.#length = Math.max(0, Math.min(Number(last ?? size - 1), size - 1) + 1 - start);
        this.status = first === undefined ? 200 : 206;
        if (this.#method !== "HEAD") {
          const bytes = new Uint8Array(this.#length);
          readSync(file, bytes, 0, bytes.length, start);
          this.response = bytes.buffer;
        }
      } finally {
        closeSync(file);
      }
      log.add(0, this.response.byteLength);
      this.onload?.();
    }

    getResponseHeader(name: string): string | null {
      const headers: Readonly<Record<string, string>> = {
        "accept-ranges": "bytes",
        "content-length": `${this.#length}`,
      };
      return headers[name.toLowerCase()] ?? null;
    }

    getAllResponseHeaders(): string {
      return `accept-ranges: bytes\r\ncontent-length: ${this.#length}\r\n`;
    }
  };
}
