import { describe, expect, it } from "vitest";
import { LinkMeter } from "../src/link-meter.ts";

/** A meter over a clock that is moved by hand. */
function setUp() {
  let now = 1000;
  const meter = new LinkMeter(() => now);
  return {
    meter,
    wait(milliseconds: number): void {
      now += milliseconds;
    },
    /** One answer whose body comes in pieces of 4 KiB, each after so many milliseconds. */
    exchange(roundTripMs: number, bytes: number, pieceMs: number): void {
      const one = meter.begin();
      now += roundTripMs;
      one.answered();
      for (let came = 0; came < bytes; came += 4096) {
        now += pieceMs;
        one.received(4096);
      }
    },
  };
}

describe("LinkMeter", () => {
  it("knows nothing before an answer was long enough", () => {
    const { meter, exchange } = setUp();
    expect(meter.estimate()).toBeUndefined();
    exchange(50, 16_384, 2);
    expect(meter.estimate()).toBeUndefined();
  });

  it("tells the round trip and the rate of a steady link", () => {
    const { meter, exchange } = setUp();
    exchange(50, 131_072, 2);
    expect(meter.estimate()).toEqual({ roundTripMs: 50, bytesPerSecond: 2_048_000 });
  });

  it("takes the shortest of the latest round trips", () => {
    const { meter, exchange } = setUp();
    for (const roundTripMs of [150, 60, 90]) exchange(roundTripMs, 131_072, 1);
    expect(meter.estimate()?.roundTripMs).toBe(60);
    for (let again = 0; again < 8; again++) exchange(100, 4096, 1);
    expect(meter.estimate()?.roundTripMs).toBe(100);
  });

  it("is not misled by bytes that had piled up", () => {
    const { meter, exchange, wait } = setUp();
    exchange(50, 1_048_576, 2);
    const one = meter.begin();
    wait(50);
    one.answered();
    one.received(65_536);
    wait(0.001);
    one.received(65_536);
    expect(meter.estimate()?.bytesPerSecond).toBe(2_048_000);
  });

  it("counts what comes in the same moment with what comes after", () => {
    const { meter, wait } = setUp();
    const one = meter.begin();
    one.answered();
    one.received(4096);
    one.received(65_536);
    expect(meter.estimate()).toBeUndefined();
    wait(10);
    one.received(4096);
    expect(meter.estimate()?.bytesPerSecond).toBe((65_536 + 4096) * 100);
  });

  it("adds up answers that share the link", () => {
    const { meter, wait } = setUp();
    const [one, other] = [meter.begin(), meter.begin()];
    wait(50);
    one.answered();
    other.answered();
    for (let piece = 0; piece < 40; piece++) {
      wait(1);
      (piece % 2 === 0 ? one : other).received(4096);
    }
    expect(meter.estimate()?.bytesPerSecond).toBeCloseTo(4_096_000, -5);
  });
});
