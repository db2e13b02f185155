export type { PageIndexRange } from "./page-index-range.ts";
export { decodePageSelector, type PageSelectorLimits } from "./page-selector-decode.ts";
export { encodePageSelector } from "./page-selector-encode.ts";
export { decodePullRequest, encodePullRequest, type PullRequest } from "./pull-request.ts";
export {
  encodeHeader,
  encodePageMessage,
  encodePageMessages,
  type PageMessage,
  type PullHeader,
} from "./pull-response.ts";
export {
  type PullEvent,
  PullResponseDecoder,
  type PullResponseDecoderOptions,
} from "./pull-response-decoder.ts";
