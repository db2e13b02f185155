/** What answers HTTP requests: a server's handler, or a double of one. */
export type Host = (request: Request) => Response | Promise<Response>;

/** One request that was sent to a host. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly bodyBytes: number;
  /** `open` until the body of the answer has ended, broken off or been cancelled. */
  readonly state: "open" | "complete" | "failed" | "cancelled";
  /** Body bytes handed over so far. */
  readonly receivedBytes: number;
}

/** A `fetch` that ends at a host, and what went through it. */
export interface HostFetch {
  readonly fetch: typeof fetch;
  readonly requests: SentRequest[];
  /** Answers that were neither read to their end nor cancelled. */
  openAnswers(): number;
}

/**
 * A `fetch` that hands requests to a host in memory. It keeps the promises of a real one: it rejects with the reason
 * of an aborted signal before the headers, breaks the body with it after them, and reports a failing host as a `TypeError`.
 */
export function fetchFrom(host: Host): HostFetch {
  const requests: SentRequest[] = [];
  const send: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    // The request's own signal follows this one only as long as somebody holds the request (Node 22).
    const signal = init?.signal ?? (input instanceof Request ? input.signal : request.signal);
    const body = new Uint8Array(await request.clone().arrayBuffer());
    signal.throwIfAborted();
    const record = {
      method: request.method,
      url: request.url,
      headers: request.headers,
      bodyBytes: body.length,
      state: "open" as SentRequest["state"],
      receivedBytes: 0,
    };
    requests.push(record);
    const answering = Promise.resolve(host(request)).catch((cause: unknown) => {
      throw new TypeError("fetch failed", { cause });
    });
    try {
      const response = await Promise.race([answering, aborted(signal)]);
      return withWatchedBody(response, signal, record);
    } catch (error) {
      record.state = signal.aborted ? "cancelled" : "failed";
      answering.then((late) => late.body?.cancel()).catch(() => {});
      throw error;
    }
  };
  return {
    fetch: send,
    requests,
    openAnswers: () => requests.filter(({ state }) => state === "open").length,
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function withWatchedBody(
  response: Response,
  signal: AbortSignal,
  record: { state: SentRequest["state"]; receivedBytes: number },
): Response {
  const reader = response.body?.getReader();
  if (reader === undefined) {
    record.state = "complete";
    return response;
  }
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        const stop = (): void => {
          if (record.state !== "open") return;
          record.state = "cancelled";
          controller.error(signal.reason);
          reader.cancel(signal.reason).catch(() => {});
        };
        if (signal.aborted) stop();
        else signal.addEventListener("abort", stop, { once: true });
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (record.state !== "open") return;
          if (done) {
            record.state = "complete";
            controller.close();
          } else {
            record.receivedBytes += value.length;
            controller.enqueue(value);
          }
        } catch (error) {
          if (record.state !== "open") return;
          record.state = "failed";
          controller.error(error);
        }
      },
      async cancel(reason) {
        record.state = "cancelled";
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}

const CHUNK_BYTES = 16_384;

/** Bytes as a body that is made chunk by chunk, as they are read. */
export function bodyOf(
  bytes: Uint8Array,
  chunkBytes: number = CHUNK_BYTES,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (at >= bytes.length) controller.close();
        else controller.enqueue(new Uint8Array(bytes.subarray(at, at + chunkBytes)));
        at += chunkBytes;
      },
    },
    { highWaterMark: 0 },
  );
}

export interface StaticHostOptions {
  /** `null` for a host without tags. By default one is made from the bytes. */
  readonly etag?: string | null | undefined;
  /** An HTTP date; absent by default. */
  readonly lastModified?: string | undefined;
  /** @default "application/octet-stream" */
  readonly contentType?: string | undefined;
  /**
   * Whether several ranges are answered in one body, as most web servers do; stores of objects send the whole file instead.
   * @default false
   */
  readonly severalRanges?: boolean | undefined;
}

/**
 * A host that serves one file by `GET` and `HEAD`, with ranges and `If-Match`, as web servers do. Unlike the real
 * server it takes any bytes, also those of no database.
 * @param file the bytes, or what they are now
 */
export function staticHost(file: Uint8Array | (() => Uint8Array), options: StaticHostOptions = {}): Host {
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("method not allowed", { status: 405 });
    }
    const bytes = typeof file === "function" ? file() : file;
    const headers = new Headers({
      "content-type": options.contentType ?? "application/octet-stream",
      "accept-ranges": "bytes",
    });
    const etag = options.etag === undefined ? tagOf(bytes) : options.etag;
    if (etag !== null) headers.set("etag", etag);
    if (options.lastModified !== undefined) headers.set("last-modified", options.lastModified);
    const match = request.headers.get("if-match");
    if (match !== null && match !== "*" && match !== etag)
      return new Response(null, { status: 412, headers });
    const asked = request.headers.get("range") ?? "";
    if (options.severalRanges === true && /^bytes=\d+-\d+(?:,\d+-\d+)+$/.test(asked)) {
      const boundary = "made-up-boundary";
      const body = partsOf(bytes, asked, { boundary, type: headers.get("content-type") ?? "" });
      headers.set("content-length", String(body.length));
      headers.set("content-type", `multipart/byteranges; boundary=${boundary}`);
      return new Response(request.method === "HEAD" ? null : bodyOf(body), { status: 206, headers });
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(asked);
    const first = Number(range?.[1] ?? 0);
    if (range !== null && first >= bytes.length) {
      headers.set("content-range", `bytes */${bytes.length}`);
      return new Response(null, { status: 416, headers });
    }
    const last = range?.[2] ? Math.min(Number(range[2]), bytes.length - 1) : bytes.length - 1;
    headers.set("content-length", String(last - first + 1));
    if (range !== null) headers.set("content-range", `bytes ${first}-${last}/${bytes.length}`);
    const body = request.method === "HEAD" ? null : bodyOf(bytes.subarray(first, last + 1));
    return new Response(body, { status: range === null ? 200 : 206, headers });
  };
}

/** A body with several ranges, in the order they were asked for in. RFC 9110, "Media Type multipart/byteranges". */
function partsOf(
  bytes: Uint8Array,
  asked: string,
  { boundary, type }: { readonly boundary: string; readonly type: string },
): Uint8Array {
  const encoder = new TextEncoder();
  const pieces = [...asked.matchAll(/(\d+)-(\d+)/g)].flatMap(([, from, to]) => {
    const range = `bytes ${from}-${to}/${bytes.length}`;
    const head = `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${range}\r\n\r\n`;
    return [encoder.encode(head), bytes.subarray(Number(from), Number(to) + 1)];
  });
  pieces.push(encoder.encode(`\r\n--${boundary}--\r\n`));
  const body = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}

/** A strong tag that changes with the bytes. */
function tagOf(bytes: Uint8Array): string {
  let hash = 2_166_136_261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16_777_619);
  return `"${(hash >>> 0).toString(16)}-${bytes.length}"`;
}
