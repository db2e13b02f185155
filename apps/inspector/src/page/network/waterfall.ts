import type { RequestRecord } from "./request-log.ts";

/** Where a request lies in the picture, as shares of its width from 0 to 1. */
export interface Bar {
  readonly record: RequestRecord;
  readonly start: number;
  /** From sending to the beginning of the answer. */
  readonly waiting: number;
  /** From there to the end. */
  readonly receiving: number;
  /** Milliseconds in all, so far. */
  readonly duration: number;
}

export interface Waterfall {
  readonly bars: readonly Bar[];
  /** Milliseconds from the first request to the end of the axis. */
  readonly span: number;
  /** Milliseconds of the lines of the axis, from 0. */
  readonly ticks: readonly number[];
}

/** Lays requests out along the time since the first of them. @param now for requests that are under way */
export function waterfallOf(records: readonly RequestRecord[], now: number): Waterfall {
  if (records.length === 0) return { bars: [], span: 0, ticks: [] };
  const origin = Math.min(...records.map(({ startedAt }) => startedAt));
  const end = Math.max(...records.map(({ endedAt }) => endedAt ?? now));
  const step = tickStep(Math.max(1, end - origin));
  const span = step * Math.ceil(Math.max(1, end - origin) / step);
  const bars = records.map((record) => {
    const { startedAt, answeredAt, endedAt = now } = record;
    const duration = Math.max(0, (endedAt ?? now) - startedAt);
    const waiting = Math.min(duration, (answeredAt ?? endedAt ?? now) - startedAt);
    return {
      record,
      start: (startedAt - origin) / span,
      waiting: waiting / span,
      receiving: (duration - waiting) / span,
      duration,
    };
  });
  const ticks = Array.from({ length: Math.round(span / step) + 1 }, (_, index) => index * step);
  return { bars, span, ticks };
}

/** A step of 1, 2 or 5 and zeros that makes at most five of it. */
function tickStep(span: number): number {
  const rough = span / 4;
  const zeros = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((each) => each * zeros >= rough) ?? 10;
  return Math.max(1, factor * zeros);
}
