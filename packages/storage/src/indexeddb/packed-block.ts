/** Bytes of a block. A stored one that is shorter is compressed. */
export const BLOCK_BYTES = 32_768;

/** The block compressed, or as it is where that saves nothing. */
export async function packBlock(block: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = await through(block, new CompressionStream("deflate-raw"));
  return packed.byteLength < BLOCK_BYTES ? packed : block;
}

/** The block as it was. One that was damaged is zeros: what was in it is not what its checksums say, and counts as absent. */
export async function unpackBlock(stored: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (stored.byteLength === BLOCK_BYTES) return stored;
  try {
    const block = await through(stored, new DecompressionStream("deflate-raw"));
    if (block.byteLength === BLOCK_BYTES) return block;
  } catch {
    // Damaged: as below.
  }
  return new Uint8Array(BLOCK_BYTES);
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const answer = new Response(new Blob([bytes]).stream().pipeThrough(stream));
  return new Uint8Array(await answer.arrayBuffer());
}
