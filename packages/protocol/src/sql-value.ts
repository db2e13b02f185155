import { LacunaError, type SqlValue } from "@lacuna/page";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { jsonObject, jsonText, shapeError } from "./json-shape.ts";

export type { SqlValue } from "@lacuna/page";

/** A SQL value in the JSON of SQL over HTTP. Integers are decimal text, so none is rounded on the way. */
export type SqlValueJson =
  | { readonly type: "null" }
  | { readonly type: "integer"; readonly value: string }
  | { readonly type: "float"; readonly value: number | null }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "blob"; readonly base64: string };

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/**
 * A value as JSON. JSON has no infinities: they are sent as a float of `null`, and their sign is lost, as it is with every
 * peer of this protocol. Base64 is not padded.
 */
export function encodeSqlValue(value: SqlValue): SqlValueJson {
  if (value === null) return { type: "null" };
  switch (typeof value) {
    case "bigint":
      return { type: "integer", value: value.toString() };
    case "number":
      return { type: "float", value: Number.isFinite(value) ? value : null };
    case "string":
      return { type: "text", value };
    default:
      return { type: "blob", base64: encodeBase64(value) };
  }
}

/**
 * A value from JSON. A float of `null` is positive infinity; base64 may be padded. Members that do not belong to the type
 * are passed over.
 * @param where its path in the message, for the error
 * @throws {LacunaError} `PROTOCOL` if it is not such a value, or an integer of more than 64 bits
 */
export function decodeSqlValue(json: unknown, where = "the value"): SqlValue {
  const { type, value, base64 } = jsonObject(json, where);
  switch (type) {
    case "null":
      return null;
    case "integer":
      return decodeInteger(jsonText(value, `${where}.value`), where);
    case "float":
      if (value === null) return Number.POSITIVE_INFINITY;
      if (typeof value === "number") return value;
      throw shapeError(`${where}.value`, "a number or null", value);
    case "text":
      return jsonText(value, `${where}.value`);
    case "blob":
      return decodeBase64(jsonText(base64, `${where}.base64`));
    default:
      throw shapeError(`${where}.type`, "null, integer, float, text or blob", type);
  }
}

function decodeInteger(text: string, where: string): bigint {
  // The length is looked at first: making a bigint of a megabyte of digits takes seconds.
  if (/^[+-]?\d{1,40}$/.test(text)) {
    const value = BigInt(text.replace(/^\+/, ""));
    if (value >= LEAST && value <= MOST) return value;
  }
  const found = text.length > 40 ? `${text.length} characters` : JSON.stringify(text);
  throw new LacunaError("PROTOCOL", `${where}.value must be a decimal integer of 64 bits, got ${found}`);
}
