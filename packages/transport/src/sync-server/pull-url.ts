/** Where pages are asked for: the path of the server, without slashes at its end, and the name of the request. */
export const pullUrl = (base: URL): URL => below(base, "pull-updates");

/** Where SQL is sent to. */
export const pipelineUrl = (base: URL): URL => below(base, "v2/pipeline");

function below(base: URL, name: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, "")}/${name}`;
  url.hash = "";
  return url;
}

/**
 * The headers of every such request. The first coding is the protocol's own word, which asks for none; a server that can
 * compress finds the second, and every `fetch` undoes it. Browsers send theirs instead.
 */
export const PULL_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "application/protobuf",
  "accept-encoding": "application/protobuf, gzip",
};
