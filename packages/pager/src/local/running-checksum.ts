/** Two unsigned 32-bit words. It finds what a crash tore, not what somebody forged. */
export type RunningChecksum = readonly [number, number];

/** Continues a checksum over bytes, whose number must be a multiple of 8. */
export function runningChecksum(seed: RunningChecksum, bytes: Uint8Array): RunningChecksum {
  if (bytes.byteLength % 8 !== 0) throw new Error(`BUG: a checksum over ${bytes.byteLength} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [a, b] = seed;
  for (let at = 0; at < bytes.byteLength; at += 8) {
    a = (Math.imul(a ^ view.getInt32(at, true), 0x01000193) + b) | 0;
    b = (Math.imul(b ^ view.getInt32(at + 4, true), 0x85ebca6b) + a) | 0;
  }
  return [a >>> 0, b >>> 0];
}

/** How many bytes to add to get a multiple of 8. */
export const padding = (length: number): number => -length & 7;
