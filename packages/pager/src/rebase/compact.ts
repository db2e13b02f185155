import type { ByteFile, PageNo } from "@lacuna/page";
import type { Frame, Overlay } from "../local/overlay.ts";
import { WalLog, type WalSalts } from "../local/wal-log.ts";

const BATCH_PAGES = 64;

/** Writes a log that has each of the frames once, as one transaction. */
export async function writeCompacted(
  overlay: Overlay,
  frames: readonly Frame[],
  file: ByteFile,
  log: { readonly pageSize: number; readonly salts: WalSalts; readonly pageCount: number },
): Promise<{ readonly offsets: ReadonlyMap<PageNo, number>; readonly length: number }> {
  const wal = new WalLog(file, log.pageSize, log.salts);
  const offsets = new Map<PageNo, number>();
  for (let start = 0; start < frames.length; start += BATCH_PAGES) {
    const end = Math.min(frames.length, start + BATCH_PAGES);
    const entries: [PageNo, Uint8Array][] = [];
    for (const frame of frames.slice(start, end)) entries.push([frame.page, await overlay.read(frame)]);
    const transaction = wal.prepare(entries, end === frames.length ? log.pageCount : 0);
    await wal.write([transaction]);
    for (const [page, offset] of wal.offsetsOf(transaction)) offsets.set(page, offset);
  }
  return { offsets, length: wal.bytes };
}
