import { connect, type Socket } from "node:net";

/**
 * Posts bodies over kept connections and only counts what comes, with as little work as possible: what is measured is the server.
 * It needs answers of a length that is told in advance.
 */
export class RawClient {
  readonly #connections: Connection[];
  readonly #free: Connection[];

  constructor(port: number, connections: number) {
    this.#connections = Array.from({ length: connections }, () => new Connection(port));
    this.#free = [...this.#connections];
  }

  /**
   * At most as many at a time as there are connections.
   * @returns the bytes of the answer's body
   */
  async post(path: string, body: Uint8Array): Promise<number> {
    const connection = this.#free.pop();
    if (connection === undefined) throw new Error("BUG: more requests at a time than connections");
    const bytes = await connection.post(path, body);
    this.#free.push(connection);
    return bytes;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** One connection, for one request after the other. */
class Connection {
  readonly #socket: Socket;
  #waiting: PromiseWithResolvers<number> | undefined;
  /** The answer's head as far as it has come. */
  #head = "";
  #length = 0;
  /** Bytes of the body that have not come; -1 while the head has not ended. */
  #left = -1;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk) => this.#take(chunk));
    this.#socket.on("error", (error) => this.#waiting?.reject(error));
    this.#socket.on("close", () => this.#waiting?.reject(new Error("the connection was closed")));
  }

  post(path: string, body: Uint8Array): Promise<number> {
    this.#waiting = Promise.withResolvers();
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n`;
    this.#socket.write(Buffer.concat([Buffer.from(head), body]));
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let bytes = chunk.length;
    if (this.#left < 0) {
      const before = this.#head.length;
      this.#head += chunk.toString("latin1", 0, Math.min(bytes, 4096));
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(this.#head.slice(0, end))?.[1];
      if (!this.#head.startsWith("HTTP/1.1 200 ") || length === undefined) {
        this.#waiting?.reject(new Error(`another answer was expected: ${this.#head.slice(0, end)}`));
        return;
      }
      bytes -= end + 4 - before;
      this.#length = Number(length);
      this.#left = this.#length;
      this.#head = "";
    }
    this.#left -= bytes;
    if (this.#left > 0) return;
    this.#left = -1;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(this.#length);
  }
}
