/** Fills an array with random bytes. */
export type RandomBytes = (bytes: Uint8Array<ArrayBuffer>) => void;

/** Two words of 32 bits. */
export function randomWords(random: RandomBytes): readonly [number, number] {
  const bytes = new Uint8Array(8);
  random(bytes);
  const view = new DataView(bytes.buffer);
  // Not both zero: a hole in a file must not look like something that was written.
  return [view.getUint32(0) | 1, view.getUint32(4)].map((word) => word >>> 0) as [number, number];
}
