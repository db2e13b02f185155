const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The same without a view for each text, where the runtime has Node's buffers. */
const slice = (
  globalThis as {
    Buffer?: { prototype: { utf8Slice?: (this: Uint8Array, start: number, end: number) => string } };
  }
).Buffer?.prototype.utf8Slice;

/** Up to this many bytes, putting a text together here is several times quicker than a call of the decoder. */
const SHORT_BYTES = 24;

/** UTF-8 from memory; bytes that are not valid UTF-8 become U+FFFD. */
export function textFrom(bytes: Uint8Array, start: number, length: number): string {
  return length <= SHORT_BYTES ? shortText(bytes, start, length) : decodeText(bytes, start, length);
}

function decodeText(bytes: Uint8Array, start: number, length: number): string {
  const end = start + length;
  return slice === undefined ? decoder.decode(bytes.subarray(start, end)) : slice.call(bytes, start, end);
}

function shortText(bytes: Uint8Array, start: number, length: number): string {
  const end = start + length;
  let at = start;
  let text = "";
  for (; at + 4 <= end; at += 4) {
    const a = bytes[at] as number;
    const b = bytes[at + 1] as number;
    const c = bytes[at + 2] as number;
    const d = bytes[at + 3] as number;
    if ((a | b | c | d) > 0x7f) return decodeText(bytes, start, length);
    text += String.fromCharCode(a, b, c, d);
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte > 0x7f) return decodeText(bytes, start, length);
    text += String.fromCharCode(byte);
  }
  return text;
}
