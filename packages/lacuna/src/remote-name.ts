/**
 * The remote's name as it is kept with a replica and shown in messages: without credentials, query and fragment, which may
 * change from one opening to the next, and with one spelling for each scheme.
 */
export function remoteName(url: string): string {
  const parsed = new URL(httpUrl(url));
  const path = parsed.pathname.replace(/\/+$/, "");
  return parsed.protocol === "file:" ? `file://${path}` : `${parsed.protocol}//${parsed.host}${path}`;
}

/** `libsql:` and `turso:` are names of `https:`; every other URL stays as it is. */
export function httpUrl(url: string): string {
  return url.replace(/^(?:libsql|turso):/i, "https:");
}
