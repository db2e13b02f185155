import { decodePullRequest } from "@lacuna/protocol";
import type { RandomWork } from "./random-work.ts";

/** What happens to a request on its way. */
export type WireFault =
  /** It never arrives. */
  | "lost"
  /** It is turned away. */
  | "unavailable"
  /** It is done, and the answer never arrives. */
  | "unanswered"
  /** It is done, and the answer breaks off. */
  | "cut"
  /** Its sender hears that it is lost, and it arrives later. */
  | "late";

export const WIRE_FAULTS: readonly WireFault[] = ["lost", "unavailable", "unanswered", "cut", "late"];

export interface WireOptions {
  readonly server: typeof fetch;
  readonly work: RandomWork;
  readonly count: (what: string) => void;
  /** Called when the server answers what its newest revision is, or what is new in it. */
  readonly onTold: () => void;
  /** Told of each mark that the server wrote along with a transaction, as the arguments of the statement. */
  readonly onTaken: (marks: readonly (readonly string[])[]) => void;
}

/** The connection of one client. */
export class Wire {
  readonly #options: WireOptions;
  readonly #late: (() => Promise<unknown>)[] = [];
  /** Called for each request while there are faults, with whether it is a push. */
  fault: ((isWriting: boolean) => WireFault | undefined) | undefined;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const { work, count } = this.#options;
    const { signal, ...kept } = await requestOf(input, init);
    // Late requests arrive between later ones; those that write are where it matters most.
    const isWriting = kept.body !== undefined && new TextDecoder().decode(kept.body).includes('"BEGIN');
    if (this.#late.length > 0 && work.chance(isWriting ? 0.7 : 0.1)) {
      count(isWriting ? "late before a push" : "late");
      // The last one is the one that may still be taken.
      await (work.chance(0.7) ? this.#late.pop() : this.#late.shift())?.();
    }
    const pass = (): Promise<Response> => this.#pass(kept);
    const fault = this.fault?.(isWriting);
    if (fault !== undefined) count(`wire: ${fault}${isWriting ? " push" : ""}`);
    signal?.throwIfAborted();
    if (fault === undefined) return pass();
    if (fault === "late" && isWriting) this.#late.push(pass);
    if (fault === "lost" || fault === "late") throw new TypeError("the network is down");
    if (fault === "unavailable") return new Response("no", { status: 503 });
    const response = await pass();
    if (fault === "unanswered") throw new TypeError("the connection broke");
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { status, headers } = response;
    return new Response(breakingOff(bytes.subarray(0, bytes.length / 2)), { status, headers });
  };

  /** Lets everything arrive that is still on its way. */
  async drain(): Promise<void> {
    for (let pass = this.#late.shift(); pass !== undefined; pass = this.#late.shift()) await pass();
  }

  async #pass({ url, ...init }: { url: string; method: string; body: Body | undefined }): Promise<Response> {
    const response = await this.#options.server(url, init as RequestInit);
    const isPull = url.endsWith("/pull-updates");
    if (isPull && response.ok && decodePullRequest(init.body ?? new Uint8Array()).serverRevision === "") {
      this.#options.onTold();
    }
    if (!url.endsWith("/pipeline") || init.body === undefined) return response;
    const text = await response.text();
    this.#tell(new TextDecoder().decode(init.body), text);
    const { status, headers } = response;
    return new Response(text, { status, headers });
  }

  #tell(asked: string, answered: string): void {
    if (!answered.startsWith("{")) return;
    const { requests } = JSON.parse(asked) as { requests: readonly AskedBatch[] };
    const { results } = JSON.parse(answered) as { results: readonly AnsweredBatch[] };
    for (const [at, { batch }] of requests.entries()) {
      const steps = batch?.steps ?? [];
      const answers = results[at]?.response?.result.step_results ?? [];
      const commit = steps.findIndex(({ stmt }) => stmt.sql === "COMMIT");
      if (commit < 0 || !answers[commit]) continue;
      const marks = steps.filter(({ stmt }) =>
        stmt.sql?.startsWith("INSERT INTO turso_sync_last_change_id(client_id, pull_gen, change_id) VALUES"),
      );
      this.#options.onTaken(
        marks.map(({ stmt }) => (stmt.args ?? []).map(({ value }) => String(value ?? ""))),
      );
    }
  }
}

type Body = Uint8Array<ArrayBuffer>;

interface AskedBatch {
  readonly batch?: {
    readonly steps: readonly {
      readonly stmt: { readonly sql?: string; readonly args?: readonly { readonly value?: unknown }[] };
    }[];
  };
}

interface AnsweredBatch {
  readonly response?: { readonly result: { readonly step_results?: readonly unknown[] } };
}

async function requestOf(
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
): Promise<{
  url: string;
  method: string;
  headers: Headers;
  body: Body | undefined;
  signal: AbortSignal | null | undefined;
}> {
  const { signal } = init ?? {};
  const request = new Request(input, init);
  const { url, method, headers } = request;
  const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
  return { url, method, headers, body, signal };
}

function breakingOff(bytes: Uint8Array): ReadableStream {
  let isOver = false;
  return new ReadableStream({
    pull(controller) {
      if (isOver) controller.error(new TypeError("the connection broke"));
      else controller.enqueue(bytes);
      isOver = true;
    },
  });
}
