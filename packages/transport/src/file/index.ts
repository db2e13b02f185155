export { type FileTransportOptions, fileTransport } from "./file-transport.ts";
