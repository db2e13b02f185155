import { openSync, readSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** A request as the host saw it. Times are of `performance.now`. */
export interface Seen {
  readonly began: number;
  readonly ended: number;
  readonly bytes: number;
}

/** Bytes of the file, the end excluded. */
interface Piece {
  readonly start: number;
  readonly end: number;
}

/** A file behind a link, several ranges of which may be asked for at once: every request waits for the round trip, and all together share the bandwidth. */
export class SlowHost {
  readonly #file: number;
  readonly #size: number;
  readonly #latencyMs: number;
  readonly #bytesPerMs: number;
  #free = 0;
  seen: Seen[] = [];
  /** While it is off, connections are cut. */
  isOn = true;

  constructor(path: string, link: { readonly latencyMs: number; readonly bitsPerSecond: number }) {
    this.#file = openSync(path, "r");
    this.#size = statSync(path).size;
    this.#latencyMs = link.latencyMs;
    this.#bytesPerMs = link.bitsPerSecond / 8000;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.seen.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The longest chain of requests of which each came after the one before was answered. */
  get roundTrips(): number {
    const depths: { readonly ended: number; readonly depth: number }[] = [];
    for (const { began, ended } of this.seen.toSorted((a, b) => a.began - b.began)) {
      const before = depths.filter((each) => each.ended <= began).map(({ depth }) => depth);
      depths.push({ ended, depth: 1 + Math.max(0, ...before) });
    }
    return Math.max(0, ...depths.map(({ depth }) => depth));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.isOn) {
      request.socket.destroy();
      return;
    }
    const began = performance.now();
    await pause(this.#latencyMs);
    const asked = [...(request.headers.range ?? "").matchAll(/(\d+)-(\d*)/g)].map(([, from, to]) => {
      const end = to === "" ? this.#size : Math.min(Number(to) + 1, this.#size);
      return { start: Number(from), end };
    });
    const type = "application/octet-stream";
    const rangeOf = ({ start, end }: Piece): string => `bytes ${start}-${end - 1}/${this.#size}`;
    const headOf = (piece: Piece): string =>
      `\r\n--part\r\nContent-Type: ${type}\r\nContent-Range: ${rangeOf(piece)}\r\n\r\n`;
    const pieces = asked.length > 0 ? asked : [{ start: 0, end: this.#size }];
    const [single] = asked;
    const isList = asked.length > 1;
    const headers =
      isList || single === undefined
        ? {}
        : { "content-range": rangeOf(single), "content-length": single.end - single.start };
    response.writeHead(single === undefined ? 200 : 206, {
      "content-type": isList ? "multipart/byteranges; boundary=part" : type,
      "accept-ranges": "bytes",
      etag: '"show"',
      ...headers,
    });
    let bytes = 0;
    for (const piece of request.method === "HEAD" ? [] : pieces) {
      if (isList) response.write(headOf(piece));
      for (let at = piece.start; at < piece.end && !response.destroyed; at += 65_536) {
        const chunk = new Uint8Array(Math.min(65_536, piece.end - at));
        readSync(this.#file, chunk, 0, chunk.length, at);
        this.#free = Math.max(this.#free, performance.now()) + chunk.length / this.#bytesPerMs;
        const wait = this.#free - performance.now();
        if (wait > 1) await pause(wait);
        response.write(chunk);
        bytes += chunk.length;
      }
    }
    if (isList) response.write("\r\n--part--\r\n");
    response.end();
    this.seen.push({ began, ended: performance.now(), bytes });
  }
}
