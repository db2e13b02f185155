export { type PublishedOptions, publishedTransport } from "./published-transport.ts";
