import { LacunaError } from "@lacuna/page";
import type { Asked } from "./asked.ts";
import { Refusal } from "./json-answer.ts";

/** What a token lets its bearer do. Who may write may read. */
export type Access = "read" | "write";

export interface AccessToken {
  /** Printable ASCII without spaces. */
  readonly token: string;
  readonly access: Access;
}

/** Tokens ready for comparing. */
export type KnownTokens = readonly { readonly bytes: Uint8Array; readonly access: Access }[];

const utf8 = new TextEncoder();

/**
 * Makes tokens ready. One that is given as text alone may write.
 * @returns `undefined` where there are none, and everybody may do everything
 * @throws {LacunaError} `INVALID_OPTION` for a token that cannot stand in a header, and for an empty list
 */
export function knownTokens(
  tokens: string | readonly (string | AccessToken)[] | undefined,
): KnownTokens | undefined {
  if (tokens === undefined) return undefined;
  const list = typeof tokens === "string" ? [tokens] : tokens;
  if (list.length === 0) {
    throw new LacunaError("INVALID_OPTION", "authToken must name at least one token, or be left out");
  }
  return list.map((given) => {
    const { token, access } = typeof given === "string" ? { token: given, access: "write" as const } : given;
    if (/^[\x21-\x7e]+$/.test(token)) return { bytes: utf8.encode(token), access };
    throw new LacunaError(
      "INVALID_OPTION",
      "an authToken must be printable ASCII without spaces, and not empty",
    );
  });
}

/**
 * Checks `Authorization: Bearer`. Takes as long for a token that is nearly right as for one that is all wrong.
 * @returns what the bearer may do
 * @throws {Refusal} 401 unless the header names one of the tokens
 */
export function requireBearer(request: Pick<Asked, "headers">, tokens: KnownTokens | undefined): Access {
  if (tokens === undefined) return "write";
  const header = request.headers.get("authorization");
  const given = header === null ? undefined : /^bearer +(\S+) *$/i.exec(header)?.[1];
  let known: Access | undefined;
  if (given !== undefined) {
    const bytes = utf8.encode(given);
    for (const token of tokens) known = equalBytes(token.bytes, bytes) ? token.access : known;
  }
  if (known !== undefined) return known;
  const challenge =
    given === undefined ? 'Bearer realm="lacuna"' : 'Bearer realm="lacuna", error="invalid_token"';
  const message = given === undefined ? "a bearer token is required" : "the bearer token is not known";
  throw new Refusal(401, "UNAUTHORIZED", message, { "www-authenticate": challenge });
}

/**
 * Reads a list of tokens: one to a line, behind `read` or `write`, which may be left out and is `write` then. Empty lines and
 * those that begin with `#` are passed over.
 * @throws {LacunaError} `INVALID_OPTION` for any other line, told without its text
 */
export function parseAccessTokens(text: string): AccessToken[] {
  const tokens: AccessToken[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || line.trim().startsWith("#")) continue;
    const [access, token, ...more] = words.length === 1 ? ["write", words[0]] : words;
    if ((access !== "read" && access !== "write") || token === undefined || more.length > 0) {
      throw new LacunaError("INVALID_OPTION", `line ${i + 1} of the tokens must be: [read|write] TOKEN`);
    }
    tokens.push({ token, access });
  }
  return tokens;
}

function equalBytes(secret: Uint8Array, given: Uint8Array): boolean {
  let difference = secret.length ^ given.length;
  for (let i = 0; i < given.length; i++) {
    difference |= (secret[i % secret.length] ?? 0) ^ (given[i] ?? 0);
  }
  return difference === 0;
}
