import { serveFiles } from "../web/file-port.ts";
import { opfsFileSystem } from "./opfs-file-system.ts";

// The script of the worker that lends the origin private file system to a page: synchronous handles are for workers only.
serveFiles(globalThis as unknown as Worker, opfsFileSystem());
