export { type HttpRangeOptions, httpRangeTransport } from "./http-range-transport.ts";
