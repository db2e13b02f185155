import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nextMessage, startProcess } from "../child-process.ts";
import type { NetworkProfile } from "../network/simulated-network.ts";
import type { Opened, SerialCost } from "./measure.ts";
import { bePatient, type Patience } from "./patience.ts";
import type { Extras } from "./shows.ts";
import type { Workload } from "./workloads/workload.ts";

interface WorkloadTask {
  readonly kind: "workload";
  /** The file of the database. */
  readonly path: string;
  /** The id of the system. */
  readonly system: string;
  readonly workload: Workload;
  /** A serial system does without. */
  readonly network: NetworkProfile;
}

interface ExtrasTask {
  readonly kind: "extras";
  readonly path: string;
  readonly workloads: readonly Workload[];
  readonly network: NetworkProfile;
}

/** What a process that measures is asked to do. */
export type Task = WorkloadTask | ExtrasTask;

/** What comes of a task, by its kind: of a workload, what its kind of system gives. */
export type Reply =
  | { readonly found: unknown }
  | { readonly reason: string; readonly failure: "too-much" | "error" };

/** Why there is no measurement: nothing came in time, too much was asked for, or something went wrong. */
export type FailureKind = "late" | "too-much" | "error";

export class MeasurementError extends Error {
  override readonly name = "MeasurementError";
  readonly kind: FailureKind;

  constructor(kind: FailureKind, reason: string) {
    super(reason);
    this.kind = kind;
  }
}

/**
 * Has measurements made by a process of its own, which can be ended when nothing comes of it: clients of others have been
 * seen to wait for ever, and to compute for ever. Whatever failed is not asked again; the next task gets a new process.
 */
export class Measurer {
  readonly #directory = mkdtempSync(join(tmpdir(), "lacuna-measurer-"));
  #child: ChildProcess | undefined;

  constructor() {
    process.once("exit", this.#end);
  }

  /**
   * One task at a time.
   * @throws {MeasurementError}
   */
  measure(task: WorkloadTask, patience: Patience): Promise<Opened | SerialCost>;
  measure(task: ExtrasTask, patience: Patience): Promise<Extras>;
  async measure(task: Task, patience: Patience): Promise<unknown> {
    // Who is ended leaves files behind: all of them are under one directory.
    this.#child ??= startProcess(new URL("./measuring-process.ts", import.meta.url), {
      environment: { TMPDIR: this.#directory, TEMP: this.#directory },
    });
    const child = this.#child;
    let late: string | undefined;
    const end = bePatient(child.pid, patience, (what) => {
      late = what;
      child.kill("SIGKILL");
    });
    try {
      child.send(task);
      const reply = await nextMessage<Reply>(child);
      if ("failure" in reply) throw new MeasurementError(reply.failure, reply.reason);
      return reply.found;
    } catch (error) {
      this.#stop();
      if (late !== undefined) throw new MeasurementError("late", `no answer in ${late}`);
      if (error instanceof MeasurementError) throw error;
      throw new MeasurementError("error", error instanceof Error ? error.message : String(error));
    } finally {
      end();
    }
  }

  /** Ends the process and removes what it left. */
  close(): void {
    process.off("exit", this.#end);
    this.#end();
  }

  #stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  readonly #end = (): void => {
    this.#stop();
    rmSync(this.#directory, { recursive: true, force: true });
  };
}
