import type { WriteStream } from "node:tty";
import { BrokenPipeError, type Output } from "./output.ts";

/** A stream of the process as an `Output`. Listens to its errors, so that a broken pipe does not end the process. */
export function nodeOutput(stream: WriteStream): Output {
  let failure: Error | undefined;
  const waiting = new Set<(error: Error) => void>();
  stream.on("error", (error: NodeJS.ErrnoException) => {
    failure =
      error.code === "EPIPE" ? new BrokenPipeError("nobody reads the output", { cause: error }) : error;
    for (const reject of waiting) reject(failure);
  });
  return {
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns;
    },
    write(text) {
      if (failure !== undefined) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        waiting.add(reject);
        // An error is reported by the event, which says it once for all who wait.
        stream.write(text, (error) => {
          if (error) return;
          waiting.delete(reject);
          resolve();
        });
      });
    },
  };
}
