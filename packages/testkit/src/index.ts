export { laterTurn } from "./later-turn.ts";
export {
  describePageSource,
  describePrefetchSource,
  type OpenedPageSource,
  type PageSourceSubject,
} from "./page-source-suite.ts";
export { describePageStore, type PageStorePlace, type PageStoreSubject } from "./page-store-suite.ts";
export { describePredictor, type PredictorSubject } from "./predictor-suite.ts";
export { type Misbehaviour, type RecordedRequest, RecordingTransport } from "./recording-transport.ts";
export { allPages, databaseFromFile, patternDatabase, type RemoteDatabase } from "./remote-database.ts";
