const utf8 = new TextEncoder();

/** How many bytes the varint of a non-negative safe integer takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes a varint, least significant group first. @returns the offset behind it */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80;
  target[at++] = rest;
  return at;
}

/** Varints one behind the other: the value of a repeated field that is packed. Each below 2^35. */
export function packVarints(values: readonly number[]): Uint8Array {
  const packed = new Uint8Array(values.length * 5);
  let end = 0;
  for (const value of values) end = writeVarint(packed, end, value);
  return packed.subarray(0, end);
}

/**
 * Builds a small protobuf message. Fields are written in the order of the calls; a value that equals its default
 * is left out, as proto3 does, unless it is asked for.
 */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];

  integer(field: number, value: number): this {
    if (value === 0) return this;
    const part = new Uint8Array(varintBytes(field * 8) + varintBytes(value));
    writeVarint(part, writeVarint(part, 0, field * 8), value);
    this.#parts.push(part);
    return this;
  }

  text(field: number, value: string): this {
    return value === "" ? this : this.bytes(field, utf8.encode(value));
  }

  /** Written even when empty: an empty message says something by being there. */
  bytes(field: number, value: Uint8Array): this {
    const tag = field * 8 + 2;
    const head = new Uint8Array(varintBytes(tag) + varintBytes(value.length));
    writeVarint(head, writeVarint(head, 0, tag), value.length);
    this.#parts.push(head, value);
    return this;
  }

  /** The message so far. */
  finish(): Uint8Array<ArrayBuffer> {
    return joinBytes(this.#parts);
  }

  /** The message so far, behind its length. */
  finishFramed(): Uint8Array<ArrayBuffer> {
    const message = this.finish();
    const length = new Uint8Array(varintBytes(message.length));
    writeVarint(length, 0, message.length);
    return joinBytes([length, message]);
  }
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
