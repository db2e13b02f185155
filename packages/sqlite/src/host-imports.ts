import type { Heap } from "./heap.ts";

const ENOSYS = -52;
const WASI_ENOSYS = 52;

/** Largest memory the official build is declared with. */
const MAX_HEAP_BYTES = 2 ** 31;

/** File-system calls of the C library. There is no file system: pages come through the VFS, temporary data is in memory. */
const SYSCALLS = [
  "faccessat",
  "fchmod",
  "chmod",
  "fchown32",
  "fcntl64",
  "openat",
  "ioctl",
  "fstat64",
  "stat64",
  "newfstatat",
  "lstat64",
  "ftruncate64",
  "getcwd",
  "mkdirat",
  "readlinkat",
  "rmdir",
  "unlinkat",
  "utimensat",
];
const WASI_FILES = ["fd_close", "fd_write", "fd_read", "fd_sync", "fd_seek", "fd_fdstat_get"];

/**
 * What the official build imports besides its memory: a clock, the local time zone, memory growth and an empty file
 * system. Nothing is ever printed.
 *
 * @param heap is asked for only when SQLite runs
 */
export function hostImports(memory: WebAssembly.Memory, heap: () => Heap): WebAssembly.Imports {
  const env: Record<string, WebAssembly.ImportValue> = {
    memory,
    emscripten_date_now: () => Date.now(),
    emscripten_get_now: () => performance.now(),
    emscripten_get_heap_max: () => MAX_HEAP_BYTES,
    emscripten_resize_heap: (bytes: number) => growHeap(heap(), bytes >>> 0),
    _localtime_js: (seconds: bigint, tm: number) => writeLocalTime(heap(), Number(seconds), tm),
    _tzset_js: (timezone: number, daylight: number, standardName: number, daylightName: number) => {
      for (const pointer of [timezone, daylight, standardName, daylightName]) heap().setInt32(pointer, 0);
    },
    _mmap_js: () => ENOSYS,
    _munmap_js: () => ENOSYS,
  };
  for (const name of SYSCALLS) env[`__syscall_${name}`] = () => ENOSYS;
  const wasi: Record<string, WebAssembly.ImportValue> = {
    environ_get: () => 0,
    environ_sizes_get: (count: number, bytes: number) => {
      heap().setInt32(count, 0);
      heap().setInt32(bytes, 0);
      return 0;
    },
    clock_time_get: (clock: number, _precision: bigint, out: number) => {
      const milliseconds = clock === 0 ? Date.now() : performance.now();
      heap().setInt64(out, BigInt(Math.round(milliseconds * 1e6)));
      return 0;
    },
  };
  for (const name of WASI_FILES) wasi[name] = () => WASI_ENOSYS;
  return { env, wasi_snapshot_preview1: wasi };
}

/** Grows by a fifth more than asked for, up to 32 MiB more, so that a growing cache does not grow the memory page by page. */
function growHeap(heap: Heap, bytes: number): number {
  if (bytes > MAX_HEAP_BYTES) return 0;
  const current = heap.memory.buffer.byteLength;
  const roomy = Math.min(MAX_HEAP_BYTES, Math.max(bytes, current + Math.min(current / 5, 2 ** 25)));
  return heap.grow(roomy) || heap.grow(bytes) ? 1 : 0;
}

/** Fills the C library's `struct tm` (eleven 32-bit fields, the zone's name left alone) for `seconds` since 1970. */
function writeLocalTime(heap: Heap, seconds: number, tm: number): void {
  const date = new Date(seconds * 1000);
  const year = date.getFullYear();
  const january = new Date(year, 0, 1).getTimezoneOffset();
  const july = new Date(year, 6, 1).getTimezoneOffset();
  const offset = date.getTimezoneOffset();
  const dayOfYear = Math.round(
    (Date.UTC(year, date.getMonth(), date.getDate()) - Date.UTC(year, 0, 1)) / 86_400_000,
  );
  const fields = [
    date.getSeconds(),
    date.getMinutes(),
    date.getHours(),
    date.getDate(),
    date.getMonth(),
    year - 1900,
    date.getDay(),
    dayOfYear,
    january !== july && offset === Math.min(january, july) ? 1 : 0,
    -offset * 60,
  ];
  for (const [index, value] of fields.entries()) heap.setInt32(tm + 4 * index, value);
}
