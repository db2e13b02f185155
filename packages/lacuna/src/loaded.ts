import { LacunaError } from "@lacuna/page";

/**
 * A part of this program that is loaded when it is first needed. In a web page it comes over the network too.
 * @throws {LacunaError} `NETWORK` if it does not come
 */
export async function loaded<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    throw new LacunaError("NETWORK", "a part of the program could not be loaded", { cause });
  }
}
