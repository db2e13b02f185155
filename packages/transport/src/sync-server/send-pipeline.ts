import { type AbortOptions, LacunaError, type RemoteAnswer, type RemotePipeline } from "@lacuna/page";
import { decodePipelineAnswer, encodePipeline } from "@lacuna/protocol";
import type { HttpAnswer } from "../http-answer.ts";
import type { HttpEndpoint } from "../http-endpoint.ts";
import { refuseWebPage } from "../web-page.ts";
import { pipelineUrl } from "./pull-url.ts";
import { serverError } from "./server-error.ts";

const HEADERS: Readonly<Record<string, string>> = { "content-type": "application/json" };

/** More of an answer is refused: it is read into memory whole. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/**
 * Runs SQL at the server: `POST /v2/pipeline`, one request.
 * @throws {LacunaError} as `SyncTransport.execute`
 */
export async function sendPipeline(
  endpoint: HttpEndpoint,
  pipeline: RemotePipeline,
  { signal }: AbortOptions,
): Promise<RemoteAnswer> {
  const scope = endpoint.scope(signal);
  try {
    const answer = await endpoint.send({
      method: "POST",
      headers: HEADERS,
      body: new TextEncoder().encode(encodePipeline(pipeline)),
      target: pipelineUrl,
      urgency: "demand",
      signal: scope.signal,
    });
    if (answer.status !== 200) throw await serverError(answer, "sql");
    refuseWebPage(answer);
    return decodePipelineAnswer(await jsonOf(answer), pipeline);
  } finally {
    scope.end();
  }
}

async function jsonOf(answer: HttpAnswer): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of answer.chunks()) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new LacunaError(
        "PROTOCOL",
        `an answer of at most ${MAX_ANSWER_BYTES} bytes expected, more came`,
        {
          url: answer.url,
        },
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  text += decoder.decode();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LacunaError(
      "PROTOCOL",
      `JSON expected from ${answer.url}, found ${bytes} bytes of something else`,
      {
        url: answer.url,
        cause,
      },
    );
  }
}
