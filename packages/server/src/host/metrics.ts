import type { ServedDatabase, ServedView } from "../served-database.ts";
import type { RequestRecord } from "./request-records.ts";

const BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60];

interface Durations {
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** The kinds of path there are, so that nobody can make the server count names without end. */
function routeOf(path: string): string {
  const known = /(?:^|\/)(pull-updates|v2\/pipeline|v3\/pipeline|v3\/cursor|pages)(?:\/|$)/.exec(path)?.[1];
  if (known !== undefined) return known;
  return path === "/" || path === "/health" || path === "/metrics" ? path : "other";
}

/** What a server counts, as the text that Prometheus reads. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #durations = new Map<string, Durations>();
  #bytes = 0;
  #aborted = 0;
  #pages = 0;
  #revisions = 0;
  readonly #gauges: { readonly name: string; readonly help: string; readonly read: () => number }[] = [];

  /** Counts a request. */
  record({ method, path, status, bytes, durationMs, aborted }: RequestRecord): void {
    const route = routeOf(path);
    const known = /^(GET|HEAD|POST|OPTIONS)$/.test(method) ? method : "other";
    const labels = `method="${known}",route="${route}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    this.#bytes += bytes;
    if (aborted) this.#aborted++;
    let durations = this.#durations.get(route);
    if (durations === undefined) {
      durations = { buckets: BUCKETS_SECONDS.map(() => 0), sum: 0, count: 0 };
      this.#durations.set(route, durations);
    }
    const seconds = durationMs / 1000;
    for (const [i, most] of BUCKETS_SECONDS.entries()) {
      if (seconds <= most) durations.buckets[i] = (durations.buckets[i] ?? 0) + 1;
    }
    durations.sum += seconds;
    durations.count++;
  }

  /** Tells something that is looked up when it is asked for. */
  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.push({ name, help, read });
  }

  /** The same database, its pages and new revisions counted. */
  count(database: ServedDatabase): ServedDatabase {
    let newest: string | undefined;
    return {
      ...database,
      open: async (options) => {
        const view = await database.open(options);
        if (options?.revision === undefined && view.revision !== newest) {
          if (newest !== undefined) this.#revisions++;
          newest = view.revision;
        }
        const counted: ServedView = {
          ...view,
          read: async (ranges, readOptions) => {
            const bytes = await view.read(ranges, readOptions);
            this.#pages += bytes.length / view.pageSize;
            return bytes;
          },
        };
        return counted;
      },
    };
  }

  /** The text format of Prometheus, version 0.0.4. */
  text(): string {
    const lines: string[] = [];
    const about = (name: string, type: string, help: string): void => {
      lines.push(`# HELP lacuna_${name} ${help}`, `# TYPE lacuna_${name} ${type}`);
    };
    const single = (name: string, type: string, help: string, value: number): void => {
      about(name, type, help);
      lines.push(`lacuna_${name} ${value}`);
    };
    about("requests_total", "counter", "Requests answered, or given up (status 0).");
    for (const [labels, count] of this.#requests) lines.push(`lacuna_requests_total{${labels}} ${count}`);
    about("request_duration_seconds", "histogram", "From a request to the end of its answer.");
    for (const [route, { buckets, sum, count }] of this.#durations) {
      const name = "lacuna_request_duration_seconds";
      for (const [i, most] of BUCKETS_SECONDS.entries()) {
        lines.push(`${name}_bucket{route="${route}",le="${most}"} ${buckets[i]}`);
      }
      lines.push(`${name}_bucket{route="${route}",le="+Inf"} ${count}`);
      lines.push(`${name}_sum{route="${route}"} ${sum}`, `${name}_count{route="${route}"} ${count}`);
    }
    single("response_bytes_total", "counter", "Bytes of bodies sent.", this.#bytes);
    single("responses_aborted_total", "counter", "Answers that did not come to their end.", this.#aborted);
    single("pages_total", "counter", "Pages read to be sent.", this.#pages);
    single("revisions_total", "counter", "New revisions seen while answering.", this.#revisions);
    for (const { name, help, read } of this.#gauges) single(name, "gauge", help, read());
    return `${lines.join("\n")}\n`;
  }
}
