export type { ByteFile, SideFile } from "./byte-file.ts";
export { closedError, type ErrorFacts, isLacunaError, LacunaError, type LacunaErrorCode } from "./errors.ts";
export { Flight } from "./flight.ts";
export { PageMap } from "./page-map.ts";
export {
  indexOfPage,
  isPageNo,
  isPageSize,
  MAX_PAGE_NO,
  offsetOfPage,
  type PageIndex,
  type PageNo,
  pageAtIndex,
  pageIndex,
  pageNo,
} from "./page-number.ts";
export { countPages, type PageRange, pagesOf, rangesInOrder } from "./page-range.ts";
export { PageSet } from "./page-set.ts";
export type { AccessEvent, Predictor } from "./predictor.ts";
export type {
  RemoteAnswer,
  RemoteColumn,
  RemotePipeline,
  RemoteRequest,
  RemoteResult,
  RemoteRows,
  RemoteSqlError,
  RemoteStatement,
  RemoteStep,
  RemoteStepResult,
  SqlCondition,
  SqlValue,
} from "./remote-sql.ts";
export {
  type AbortOptions,
  type DatabaseShape,
  type LinkEstimate,
  LOCAL_REVISION,
  type PageSource,
  type PrefetchCause,
  type PrefetchOptions,
  type PrefetchSource,
  type ReadOptions,
  type ReadTask,
  type Revision,
  revision,
} from "./source.ts";
export type { PageStore } from "./store.ts";
export {
  type Difference,
  type DifferenceRequest,
  type ExecuteOptions,
  isSyncTransport,
  type SyncTransport,
} from "./sync-transport.ts";
export type {
  Bootstrap,
  Opening,
  PageEntry,
  PageRequest,
  QueryRequest,
  Transport,
  TransportTraffic,
} from "./transport.ts";
