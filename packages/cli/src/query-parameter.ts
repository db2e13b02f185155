/** A value bound to a parameter of a statement. */
export type ParameterValue = string | number | bigint | null;

export interface Parameter {
  /** Without the sign before it. */
  readonly name: string;
  readonly value: ParameterValue;
}

/**
 * Reads `NAME=VALUE`. A VALUE that is a JSON number, `null` or a quoted string is taken as such, a whole number with all
 * its digits; anything else is text.
 * @returns `undefined` if the text has another form
 */
export function parseParameter(text: string): Parameter | undefined {
  const match = /^[:@$]?([\p{L}\p{N}_$]+)=(.*)$/su.exec(text);
  const [, name, value] = match ?? [];
  return name === undefined || value === undefined ? undefined : { name, value: parseValue(value) };
}

function parseValue(text: string): ParameterValue {
  if (/^-?(0|[1-9]\d*)$/.test(text)) {
    const whole = BigInt(text);
    if (BigInt.asIntN(64, whole) !== whole) return Number(text);
    return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "number" || typeof value === "string" || value === null) return value;
  } catch {
    // Not JSON: text as it stands.
  }
  return text;
}
