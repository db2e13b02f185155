export {
  decodeManifest,
  decodeStructureFile,
  encodeManifest,
  MAX_MANIFEST_BYTES,
  type Manifest,
  openManifest,
  type StructureFile,
  sealManifest,
} from "./manifest.ts";
export { hexDigest, MANIFEST_NAME, segmentName, structureName } from "./names.ts";
export {
  decodeStructure,
  encodeSegmentTable,
  encodeStructure,
  MAX_SEGMENT_BYTES,
  MAX_STRUCTURE_BYTES,
  type PublishedSegment,
  pagesOfSegment,
  type Structure,
  segmentOf,
} from "./structure.ts";
