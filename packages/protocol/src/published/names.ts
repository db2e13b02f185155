/** The file that names the newest snapshot. It is the only one in a published directory that ever changes. */
export const MANIFEST_NAME = "manifest.lacuna";

/** 32 bytes as 64 hexadecimal digits, in small letters. */
export const hexDigest = (digest: Uint8Array): string =>
  Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Where the structure file with this SHA-256 lies, below the directory. */
export const structureName = (sha256: string): string => `structure/${sha256}.bin`;

/** Where the segment with this SHA-256 lies, below the directory. */
export const segmentName = (sha256: string): string => `segments/${sha256}.bin`;
