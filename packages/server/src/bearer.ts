import { Refusal } from "./json-answer.ts";

const utf8 = new TextEncoder();

/**
 * Checks `Authorization: Bearer`. Takes as long for a token that is nearly right as for one that is all wrong.
 * @throws {Refusal} 401 unless the header names one of the tokens
 */
export function requireBearer(request: Request, tokens: readonly Uint8Array[]): void {
  if (tokens.length === 0) return;
  const header = request.headers.get("authorization");
  const given = header === null ? undefined : /^bearer +(\S+) *$/i.exec(header)?.[1];
  let known = false;
  if (given !== undefined) {
    const bytes = utf8.encode(given);
    for (const token of tokens) known = equalBytes(token, bytes) || known;
  }
  if (known) return;
  const challenge =
    given === undefined ? 'Bearer realm="lacuna"' : 'Bearer realm="lacuna", error="invalid_token"';
  const message = given === undefined ? "a bearer token is required" : "the bearer token is not known";
  throw new Refusal(401, "UNAUTHORIZED", message, { "www-authenticate": challenge });
}

function equalBytes(secret: Uint8Array, given: Uint8Array): boolean {
  let difference = secret.length ^ given.length;
  for (let i = 0; i < given.length; i++) {
    difference |= (secret[i % secret.length] ?? 0) ^ (given[i] ?? 0);
  }
  return difference === 0;
}
