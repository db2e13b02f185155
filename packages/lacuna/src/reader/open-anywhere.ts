import { localFiles } from "../no-local-files.ts";
import { type Open, openReader } from "./open.ts";

/** Opens a database for reading without SQL, on runtimes that may lack a file system. @see Open */
export const open: Open = (url, options = {}) => openReader(url, options, localFiles);
