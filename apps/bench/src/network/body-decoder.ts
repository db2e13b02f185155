import * as zlib from "node:zlib";
import type { VirtualClock } from "./virtual-clock.ts";

/** Undoes a content coding as `fetch` does, while the clock stands still. */
export interface BodyDecoder {
  write(bytes: Uint8Array): void;
  end(): void;
}

export interface DecodedBody {
  add(bytes: Uint8Array): void;
  end(): void;
  fail(error: unknown): void;
}

/** `undefined` where there is nothing to undo. */
export function bodyDecoder(
  coding: string | null,
  clock: VirtualClock,
  body: DecodedBody,
): BodyDecoder | undefined {
  const decoder =
    coding === "gzip" ? zlib.createGunzip() : coding === "zstd" ? zlib.createZstdDecompress() : undefined;
  if (decoder === undefined) return undefined;
  decoder.on("data", (bytes: Buffer) => body.add(bytes));
  decoder.on("error", (error) => body.fail(error));
  const ended = new Promise<void>((resolve) => decoder.once("close", resolve));
  decoder.once("end", () => body.end());
  return {
    write: (bytes) => {
      const written = new Promise<void>((resolve) => decoder.write(bytes, () => resolve()));
      void clock.hold(Promise.race([written, ended]));
    },
    end: () => {
      decoder.end();
      void clock.hold(ended);
    },
  };
}
