import { type AccessEvent, type PageNo, type Predictor, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";

/** How the suite gets at a predictor. */
export interface PredictorSubject {
  readonly name: string;
  /** A new predictor that has seen nothing. */
  create(): Predictor;
  /** What a reader does that makes the predictor predict more than one page after the last event. */
  readonly events: readonly AccessEvent[];
}

/** The promises of `Predictor`, one test each. */
export function describePredictor(subject: PredictorSubject): void {
  const trained = (): Predictor => {
    const predictor = subject.create();
    for (const event of subject.events) predictor.observe(event);
    return predictor;
  };
  const history = (predictor: Predictor, limit: number): PageNo[][] =>
    subject.events.map((event) => {
      predictor.observe(event);
      return [...predictor.predict(limit)];
    });

  describe(`${subject.name} as a Predictor`, () => {
    it("predicts nothing before it has seen anything", () => {
      expect(subject.create().predict(100)).toEqual([]);
    });

    it("predicts after what it was made for", () => {
      expect(trained().predict(1000).length).toBeGreaterThan(1);
    });

    it("predicts at most what it is allowed", () => {
      expect(trained().predict(1)).toHaveLength(1);
      expect(trained().predict(0)).toEqual([]);
    });

    it("names no page twice in one prediction", () => {
      for (const pages of history(subject.create(), 1000)) expect(new Set(pages).size).toBe(pages.length);
    });

    it("predicts the same after the same events", () => {
      expect(history(subject.create(), 50)).toEqual(history(subject.create(), 50));
    });

    it("starts anew after a reset", () => {
      const predictor = trained();
      predictor.reset();
      expect(predictor.predict(100)).toEqual([]);
      expect(history(predictor, 50)).toEqual(history(subject.create(), 50));
    });

    it("bears bytes that are no page of a database", () => {
      const predictor = subject.create();
      let noise = 1;
      for (let round = 0; round < 2000; round++) {
        const bytes = new Uint8Array(round % 3 === 0 ? round % 600 : 4096);
        for (let at = 0; at < bytes.length; at++) {
          noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0;
          bytes[at] = noise >>> 16;
        }
        const kinds = [2, 5, 10, 13];
        if (bytes.length > 0) bytes[0] = kinds[round % 4] as number;
        const page = pageNo((noise % 5000) + 1);
        predictor.observe({ page, bytes: round % 5 === 0 ? undefined : bytes, miss: round % 2 === 0 });
        expect(predictor.predict(16).length).toBeLessThanOrEqual(16);
      }
    });

    it("leaves the bytes it is shown as they are", () => {
      const before = subject.events.map((event) => event.bytes?.slice());
      trained().predict(1000);
      expect(subject.events.map((event) => event.bytes?.slice())).toEqual(before);
    });
  });
}
