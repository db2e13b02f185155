export { decodeBase64, encodeBase64 } from "./base64.ts";
export { ByteReader } from "./changeset/byte-reader.ts";
export {
  type ChangesetEntry,
  changesetTables,
  type RowOperation,
  readChangeset,
} from "./changeset/changeset.ts";
export { RawText, type RowValues, readRowValues } from "./changeset/row-values.ts";
export type { PageIndexRange } from "./page-index-range.ts";
export { encodePageMessage, framePages, pageMessagesLength } from "./page-messages.ts";
export { decodePageSelector, type PageSelectorLimits } from "./page-selector-decode.ts";
export { encodePageSelector } from "./page-selector-encode.ts";
export { decodePipelineAnswer } from "./pipeline-answer.ts";
export { encodePipeline } from "./pipeline-request.ts";
export { decodePullRequest, encodePullRequest, type PullRequest } from "./pull-request.ts";
export {
  encodeHeader,
  type PageMessage,
  type PullHeader,
} from "./pull-response.ts";
export {
  type PullEvent,
  PullResponseDecoder,
  type PullResponseDecoderOptions,
} from "./pull-response-decoder.ts";
export {
  type BatchProgress,
  conditionHolds,
  decodeSqlCondition,
  type SqlCondition,
  stepsOfCondition,
} from "./sql-condition.ts";
export {
  type CursorRequest,
  decodeCursorRequest,
  decodePipelineRequest,
  type PipelineRequest,
  type SqlRequest,
  type SqlStatement,
  type SqlStep,
  type SqlText,
} from "./sql-request.ts";
export type {
  BatchResultJson,
  CursorEntryJson,
  DescribeResultJson,
  SqlColumnJson,
  SqlErrorJson,
  SqlResponseJson,
  SqlResultJson,
  StatementResultJson,
} from "./sql-result.ts";
export { decodeSqlValue, encodeSqlValue, type SqlValue, type SqlValueJson } from "./sql-value.ts";
