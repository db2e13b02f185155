import { describeTransport, fetchFrom, staticHost } from "@lacuna/testkit";
import { describe } from "vitest";
import { httpRangeTransport } from "../src/http-range/index.ts";
import { withRetry } from "../src/with-retry.ts";
import { withTimeout } from "../src/with-timeout.ts";
import { makeDatabase } from "./make-database.ts";

const url = "https://host.example/files/made.db";
const capabilities = { query: false, oneRequest: false, anything: true };

describe.each([
  { over: "tags", severalRanges: false },
  { over: "several ranges", severalRanges: true },
])("a host", ({ over, severalRanges }) => {
  describeTransport({
    name: `httpRangeTransport over ${over}`,
    capabilities,
    database: makeDatabase,
    serve: async (first) => {
      let file = first;
      const host = fetchFrom(staticHost(() => file, { severalRanges }));
      return {
        transport: () => httpRangeTransport({ url, fetch: host.fetch }),
        replace: async (next) => {
          file = next;
        },
        openAnswers: host.openAnswers,
        stop: async () => {},
      };
    },
  });
});

describeTransport({
  name: "httpRangeTransport over dates",
  capabilities,
  database: makeDatabase,
  serve: async (first) => {
    let file = first;
    let day = 1;
    const host = fetchFrom((request) =>
      staticHost(file, { etag: null, lastModified: `Sun, 0${day} Nov 2026 10:00:00 GMT` })(request),
    );
    return {
      transport: () => httpRangeTransport({ url, fetch: host.fetch }),
      replace: async (next) => {
        file = next;
        day++;
      },
      openAnswers: host.openAnswers,
      stop: async () => {},
    };
  },
});

describeTransport({
  name: "withRetry and withTimeout around a transport",
  capabilities,
  database: makeDatabase,
  serve: async (first) => {
    let file = first;
    const host = fetchFrom(staticHost(() => file));
    return {
      transport: () => withRetry(withTimeout(httpRangeTransport({ url, fetch: host.fetch }))),
      replace: async (next) => {
        file = next;
      },
      openAnswers: host.openAnswers,
      stop: async () => {},
    };
  },
});
