import type { Value } from "../value.ts";

/**
 * What stands in an index and what should: entries are summed up as numbers, so that their order and memory do not
 * matter.
 */
export class EntryDigest {
  count = 0;
  #low = 0;
  #high = 0;

  add(values: readonly (Value | undefined)[]): void {
    let low = 0x811c9dc5;
    let high = 0x01000193;
    const mix = (unit: number): void => {
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high + unit, 0x85ebca6b) ^ (high >>> 13);
    };
    for (const value of values) {
      if (value instanceof Uint8Array) {
        mix(0x10000);
        for (const byte of value) mix(byte);
      } else {
        // An index stores a REAL without a fraction as an INTEGER; the two are the same number.
        const text = String(value);
        mix(typeof value === "string" ? 0x10001 : 0x10002);
        for (let at = 0; at < text.length; at++) mix(text.charCodeAt(at));
      }
    }
    this.count++;
    this.#low = (this.#low + low) | 0;
    this.#high = (this.#high + high) | 0;
  }

  equals(other: EntryDigest): boolean {
    return this.count === other.count && this.#low === other.#low && this.#high === other.#high;
  }
}
