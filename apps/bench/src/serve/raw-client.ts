import { Agent, request } from "node:http";

/** Posts bodies over kept connections and only counts what comes: what is measured is the server. */
export class RawClient {
  readonly #agent: Agent;
  readonly #port: number;

  constructor(port: number, connections: number) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** @returns the bytes of the answer's body */
  post(path: string, body: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/protobuf", "content-length": body.length };
      const options = { port: this.#port, path, method: "POST", headers, agent: this.#agent };
      const sent = request(options, (answer) => {
        let bytes = 0;
        answer.on("data", (chunk: Uint8Array) => {
          bytes += chunk.length;
        });
        answer.on("error", reject);
        answer.on("end", () => {
          if (answer.statusCode === 200) resolve(bytes);
          else reject(new Error(`status ${answer.statusCode}`));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
