import { describeTransport, fetchFrom } from "@lacuna/testkit";
import { publishedTransport } from "../src/published/index.ts";
import { withRetry } from "../src/with-retry.ts";
import { withTimeout } from "../src/with-timeout.ts";
import { makeDatabase } from "./make-database.ts";
import { directoryHost, publish } from "./published-host.ts";

const url = "https://host.example/made/manifest.lacuna";
// Small segments and no prefix, so that many segments are met.
const options = { segmentBytes: 16_384, prefixBytes: 0 };

describeTransport({
  name: "publishedTransport",
  capabilities: { query: false, oneRequest: false, anything: false, packed: true },
  database: makeDatabase,
  serve: async (file) => {
    let files = await publish(file, options);
    const host = fetchFrom(directoryHost(() => files));
    return {
      transport: () => publishedTransport({ url, fetch: host.fetch }),
      replace: async (next) => {
        files = await publish(next, options);
      },
      openAnswers: host.openAnswers,
      stop: async () => {},
    };
  },
});

describeTransport({
  name: "publishedTransport of whole prefixes, with retries and time-outs",
  capabilities: { query: false, oneRequest: false, anything: false, packed: true },
  database: makeDatabase,
  serve: async (file) => {
    let files = await publish(file, { segmentBytes: 20_000, prefixBytes: 12_288 });
    const host = fetchFrom(directoryHost(() => files));
    return {
      transport: () => withRetry(withTimeout(publishedTransport({ url, fetch: host.fetch }))),
      replace: async (next) => {
        files = await publish(next, { segmentBytes: 20_000, prefixBytes: 12_288 });
      },
      openAnswers: host.openAnswers,
      stop: async () => {},
    };
  },
});
