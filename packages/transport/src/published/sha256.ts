import { LacunaError } from "@lacuna/page";
import { hexDigest } from "@lacuna/protocol/published";

/**
 * SHA-256 as 64 hexadecimal digits.
 * @throws {LacunaError} `NOT_SUPPORTED` in a web page that was not loaded securely: browsers keep cryptography from it
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) {
    throw new LacunaError(
      "NOT_SUPPORTED",
      "a published database is checked with SHA-256, which needs a page from https: or localhost",
    );
  }
  return hexDigest(new Uint8Array(await subtle.digest("SHA-256", bytes)));
}
