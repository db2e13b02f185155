import { LacunaError } from "@lacuna/page";
import { FilesBehind } from "../web/file-port.ts";

/** Files of the origin private file system, lent by a worker. */
export interface BorrowedFiles {
  readonly files: FilesBehind;
  end(): void;
}

/** Milliseconds for the worker to answer the first time. */
const START_MS = 10_000;

/**
 * Starts the worker that this package brings, and waits until it answers.
 * @param start makes the worker @default the script beside this module
 * @throws {LacunaError} `STORAGE` if the script cannot be loaded or run, with what to allow
 */
export async function borrowOpfs(start: (() => Worker) | undefined): Promise<BorrowedFiles> {
  let worker: Worker;
  try {
    worker =
      start?.() ??
      new Worker(new URL("./file-worker.js", import.meta.url), { type: "module", name: "lacuna-files" });
  } catch (cause) {
    throw blocked(cause);
  }
  const files = new FilesBehind(worker);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      worker.addEventListener("error", (event) => {
        const error = blocked(event.message || undefined);
        files.fail(error);
        reject(error);
      });
      timer = setTimeout(() => reject(blocked(`it did not answer within ${START_MS} ms`)), START_MS);
      files.size("lacuna-probe").then(() => resolve(), reject);
    });
  } catch (error) {
    worker.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return {
    files,
    end() {
      files.fail(new LacunaError("CLOSED", "the store is closed"));
      worker.terminate();
    },
  };
}

function blocked(cause: unknown): LacunaError {
  const reason = cause instanceof Error ? cause.message : (cause ?? "its script could not be loaded");
  return new LacunaError(
    "STORAGE",
    `the worker for the origin private file system could not be started: ${String(reason)}. A content security policy ` +
      "must allow its script in worker-src; a bundler that does not carry it along needs the option worker",
    { cause },
  );
}
