export { type StoreOperation, withFaults } from "./faulty-store.ts";
export {
  bodyOf,
  fetchFrom,
  type Host,
  type HostFetch,
  type SentRequest,
  type StaticHostOptions,
  staticHost,
} from "./host.ts";
export {
  acrossOrigins,
  answeringFromCache,
  type CrossOriginRules,
  signedLinks,
  slowHead,
} from "./host-quirks.ts";
export {
  answering,
  breaking,
  changingEtag,
  compressing,
  cutting,
  dripping,
  ignoringRanges,
  inTurn,
  padding,
  shiftingRanges,
  silent,
  stalling,
  unreachable,
  weakEtag,
  webPage,
  withHeaders,
  withoutLength,
} from "./hostile-hosts.ts";
export { laterTurn } from "./later-turn.ts";
export { ManualTimers } from "./manual-timers.ts";
export {
  describePageSource,
  describePrefetchSource,
  type OpenedPageSource,
  type PageSourceSubject,
} from "./page-source-suite.ts";
export { describePageStore } from "./page-store-suite.ts";
export { describePredictor, type PredictorSubject } from "./predictor-suite.ts";
export { type Misbehaviour, type RecordedRequest, RecordingTransport } from "./recording-transport.ts";
export { allPages, databaseFromFile, patternDatabase, type RemoteDatabase } from "./remote-database.ts";
export {
  type Chance,
  type DiskFault,
  type DiskOperation,
  failure,
  injectFault,
  SimulatedDisk,
  type SimulatedFile,
  seededRandom,
} from "./simulated-disk.ts";
export type { PageStorePlace, PageStoreSubject } from "./store-subject.ts";
export type { TransportRemote, TransportSubject } from "./transport-subject.ts";
export { describeTransport } from "./transport-suite.ts";
