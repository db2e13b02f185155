export {
  type PublishDirectoryOptions,
  type PublishReport,
  publishDirectory,
} from "./publish-directory.ts";
export type { PublishSource } from "./publish-source.ts";
export { type PublishedFile, type PublishOptions, publishedFiles, type Snapshot } from "./published-files.ts";
