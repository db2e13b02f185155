import type { ByteFile } from "@lacuna/page";

const WRITE_BYTES = 1 << 20;

/** Writes pieces one after another from `position` on, joined to few writes. */
export async function writeJoined(
  file: ByteFile,
  pieces: Iterable<Uint8Array>,
  position: number,
): Promise<void> {
  let gathered: Uint8Array[] = [];
  let length = 0;
  let at = position;
  const write = async (): Promise<void> => {
    const [only] = gathered;
    if (only === undefined) return;
    await file.write(gathered.length === 1 ? only : joined(gathered, length), at);
    at += length;
    gathered = [];
    length = 0;
  };
  for (const piece of pieces) {
    if (length > 0 && length + piece.byteLength > WRITE_BYTES) await write();
    gathered.push(piece);
    length += piece.byteLength;
  }
  await write();
}

export function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** Copies `length` bytes between files. @throws what the files throw, and an Error if the source ends too early */
export async function copyBytes(
  from: ByteFile,
  start: number,
  length: number,
  to: ByteFile,
  position: number,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(length, WRITE_BYTES));
  for (let done = 0; done < length; ) {
    const wanted = buffer.subarray(0, Math.min(buffer.byteLength, length - done));
    const read = await from.read(wanted, start + done);
    if (read < wanted.byteLength)
      throw new Error(`${length} bytes were to be copied, ${done + read} are there`);
    await to.write(wanted, position + done);
    done += read;
  }
}
