export { type FileTransportOptions, fileTransport } from "./file-transport.ts";
export { hasHotJournal } from "./hot-journal.ts";
