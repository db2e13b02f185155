/** In a module of its own, so that it is loaded only where a remote has to be asked what it is. */
export { detectRemote } from "@lacuna/transport";
