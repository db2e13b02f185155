import { createServer } from "node:http";
import { answerMeasures } from "./process-measures.ts";

// What the runtime alone can do: the path says how many bytes are wanted, and so many come, always the same.
const piece = new Uint8Array(1 << 20);
const server = createServer((incoming, outgoing) => {
  let left = Number(incoming.url?.slice(1));
  const send = (): void => {
    while (left > 0) {
      const bytes = piece.subarray(0, left);
      left -= bytes.length;
      if (left === 0) outgoing.end(bytes);
      else if (!outgoing.write(bytes)) {
        outgoing.once("drain", send);
        return;
      }
    }
  };
  incoming.resume().on("end", () => {
    outgoing.writeHead(200, { "content-type": "application/octet-stream", "content-length": left });
    send();
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null) answerMeasures({ port: address.port, revision: "" });
});
