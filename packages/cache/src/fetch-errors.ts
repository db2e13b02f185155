import { isLacunaError, LacunaError, type PageNo } from "@lacuna/page";

/** Why a demanded page could not be had: the failure of its request, told of this page. The code stays. */
export function demandError(page: PageNo, cause: unknown): unknown {
  // What is not ours, such as an abort reason, passes unwrapped.
  if (!isLacunaError(cause)) return cause;
  return new LacunaError(cause.code, `not resident, and fetching it failed: ${cause.message}`, {
    page,
    status: cause.status,
    url: cause.url,
    cause,
  });
}

export function offlineError(page: PageNo): LacunaError {
  return new LacunaError("OFFLINE", "not resident, and there is no remote to fetch it from", { page });
}

export function unaskedPage(page: PageNo): LacunaError {
  return new LacunaError("PROTOCOL", "answered, but not asked for or answered before", { page });
}

export function wrongLength(page: PageNo, expected: number, found: number): LacunaError {
  return new LacunaError("PROTOCOL", `expected ${expected} bytes, found ${found}`, { page });
}

export function missingPages(missing: number, asked: number): LacunaError {
  return new LacunaError("PROTOCOL", `expected ${asked} pages, found ${missing} of them missing at the end`);
}
