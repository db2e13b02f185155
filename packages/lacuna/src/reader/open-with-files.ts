import { localFiles } from "#local-files";
import { type Open, openReader } from "./open.ts";

/** Opens a database for reading without SQL. @see Open */
export const open: Open = (url, options = {}) => openReader(url, options, localFiles);
