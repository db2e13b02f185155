import { LacunaError } from "@lacuna/page";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CODES: Uint8Array = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0));
const SEXTETS: Int8Array = new Int8Array(256).fill(-1);
for (let i = 0; i < 64; i++) SEXTETS[CODES[i] ?? 0] = i;

/** Characters made at a time: what `String.fromCharCode` takes as arguments. */
const SLICE = 8192;

/** Bytes as base64 of the standard alphabet, without padding. RFC 4648, "Base 64 Encoding". */
export function encodeBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  const put = (at: number, sextet: number): void => {
    // Past the end where the last group is short: typed arrays drop such writes.
    codes[at] = CODES[sextet & 63] ?? 0;
  };
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const group = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    put(to, group >> 18);
    put(to + 1, group >> 12);
    put(to + 2, group >> 6);
    put(to + 3, group);
  }
  let text = "";
  for (let at = 0; at < codes.length; at += SLICE) {
    text += String.fromCharCode(...codes.subarray(at, at + SLICE));
  }
  return text;
}

/**
 * Bytes from base64 of the standard alphabet, with padding or without.
 * @throws {LacunaError} `PROTOCOL` for another character, and for a length that no bytes have
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  let length = text.length;
  if (length % 4 === 0) {
    if (text.endsWith("==")) length -= 2;
    else if (text.endsWith("=")) length -= 1;
  }
  if (length % 4 === 1) throw new LacunaError("PROTOCOL", `base64 of ${length} characters is cut off`);
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  for (let from = 0, to = 0; from < length; from += 4, to += 3) {
    let group = 0;
    for (let i = from; i < from + 4; i++) {
      const code = i < length ? text.charCodeAt(i) : 65;
      const sextet = code < 256 ? (SEXTETS[code] ?? -1) : -1;
      if (sextet < 0) throw new LacunaError("PROTOCOL", `base64 has no character ${JSON.stringify(text[i])}`);
      group = (group << 6) | sextet;
    }
    bytes[to] = group >> 16;
    bytes[to + 1] = (group >> 8) & 255;
    bytes[to + 2] = group & 255;
  }
  return bytes;
}
