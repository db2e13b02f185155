import { type Port, serveFiles } from "../web/file-port.ts";
import { opfsFileSystem } from "./opfs-file-system.ts";

// The script of the worker that lends the origin private file system to a page: synchronous handles are for workers only.
// Anywhere else it does nothing.
if ("postMessage" in globalThis) serveFiles(globalThis as unknown as Port, opfsFileSystem());
