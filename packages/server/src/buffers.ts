/** Memory for bodies. */
export interface Buffers {
  /** Memory of exactly that length, with anything in it. */
  take(bytes: number): Uint8Array<ArrayBuffer>;
  /** Gives memory back that nobody looks at any more: what `take` gave, or a part of it. Anything else is passed over. */
  give(bytes: Uint8Array): void;
}

/** For receivers that never give anything back. */
export const freshBuffers: Buffers = {
  take: (bytes) => new Uint8Array(bytes),
  give: () => {},
};
