import { describe, expect, it } from "vitest";
import { Flight } from "../src/index.ts";

/** A flight that ends when the test says. */
function held() {
  let signal = new AbortController().signal;
  let land = (_: string): void => {};
  let crash = (_: unknown): void => {};
  const flight = new Flight<string>((given) => {
    signal = given;
    return new Promise<string>((resolve, reject) => {
      land = resolve;
      crash = reject;
    });
  });
  return {
    flight,
    signal: () => signal,
    land: (value: string) => land(value),
    crash: (e: unknown) => crash(e),
  };
}

const failure = (error: unknown): unknown => error;

describe("Flight", () => {
  it("gives every waiter the same result", async () => {
    const { flight, land } = held();
    const waiters = [flight.join(), flight.join(new AbortController().signal), flight.join()];
    land("landed");
    expect(await Promise.all(waiters)).toEqual(["landed", "landed", "landed"]);
    expect(flight.abandoned).toBe(false);
  });

  it("gives every waiter the same failure", async () => {
    const { flight, crash } = held();
    const waiters = [flight.join().catch(failure), flight.join(new AbortController().signal).catch(failure)];
    const error = new Error("crashed");
    crash(error);
    expect(await Promise.all(waiters)).toEqual([error, error]);
  });

  it("fails an aborted waiter with the reason of its signal and leaves the others alone", async () => {
    const { flight, land, signal } = held();
    const abort = new AbortController();
    const reason = new Error("no longer wanted");
    const aborted = flight.join(abort.signal).catch(failure);
    const other = flight.join();
    abort.abort(reason);
    expect(await aborted).toBe(reason);
    expect(signal().aborted).toBe(false);
    land("landed");
    expect(await other).toBe("landed");
  });

  it("cancels the operation when the last waiter leaves, and says so", async () => {
    const { flight, signal } = held();
    const aborts = [new AbortController(), new AbortController()];
    const waiters = aborts.map((abort) => flight.join(abort.signal).catch(() => "left"));
    aborts[0]?.abort();
    await waiters[0];
    expect(flight.abandoned).toBe(false);
    aborts[1]?.abort();
    await waiters[1];
    expect(flight.abandoned).toBe(true);
    expect(signal().aborted).toBe(true);
  });

  it("does not cancel an operation that is over", async () => {
    const { flight, land, signal } = held();
    const waiting = flight.join();
    land("landed");
    await waiting;
    expect(signal().aborted).toBe(false);
    expect(await flight.join()).toBe("landed");
  });

  it("refuses a waiter whose signal is aborted already, without counting it", async () => {
    const { flight, signal } = held();
    const reason = new Error("too late");
    await expect(flight.join(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(signal().aborted).toBe(false);
  });

  it("bothers nobody with a failure that nobody waits for", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", listen);
    const { crash } = held();
    crash(new Error("crashed"));
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });
});
