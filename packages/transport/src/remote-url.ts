import { LacunaError } from "@lacuna/page";

/** A value, or a function that is called, and awaited, before each request. */
export type PerRequest<T> = T | (() => T | Promise<T>);

/** The value for this request. */
export async function perRequest<T extends string | URL | HeadersInit | null | undefined>(
  source: PerRequest<T>,
): Promise<T> {
  return typeof source === "function" ? source() : source;
}

/**
 * The URL to send requests to, as it is given but checked. `libsql:` and `turso:` are names of `https:`.
 * @throws {LacunaError} `INVALID_OPTION` if it is not an HTTP URL, or holds a user name or password
 */
export function httpUrl(given: string | URL): URL {
  let url: URL;
  try {
    url = new URL(String(given).replace(/^(?:libsql|turso):/i, "https:"));
  } catch (cause) {
    throw new LacunaError(
      "INVALID_OPTION",
      `an absolute URL expected, found ${JSON.stringify(String(given))}`,
      {
        cause,
      },
    );
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new LacunaError(
      "INVALID_OPTION",
      `an http, https, libsql or turso URL expected, found ${url.protocol}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new LacunaError(
      "INVALID_OPTION",
      "the URL must not hold a user name or password; use authToken or headers",
      {
        url: publicUrl(url),
      },
    );
  }
  return url;
}

/** The URL for messages: without credentials, query and fragment, any of which may hold a secret. */
export function publicUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
