import { describe, expect, it } from "vitest";
import { handlerAsFetch } from "../src/index.ts";

describe("a handler as fetch", () => {
  it("hands over the request and gives the answer with its URL", async () => {
    const server = handlerAsFetch(async (request) => {
      return new Response(`${request.method} ${await request.text()}`, {
        status: 201,
        headers: { "x-a": "b" },
      });
    }, "https://example.test");
    const response = await server("https://example.test/path?q", { method: "POST", body: "hello" });
    expect([response.status, response.url, response.headers.get("x-a")]).toEqual([
      201,
      "https://example.test/path?q",
      "b",
    ]);
    expect(await response.text()).toBe("POST hello");
  });

  it("reaches no other origin", async () => {
    const server = handlerAsFetch(async () => new Response());
    await expect(server("http://elsewhere/")).rejects.toThrow(TypeError);
  });

  it("fails like the network when the handler fails, and when its body does", async () => {
    const fails = handlerAsFetch(() => Promise.reject(new Error("inside")));
    await expect(fails("http://server/")).rejects.toThrow(new TypeError("fetch failed"));
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("inside")) });
    const breaks = handlerAsFetch(async () => new Response(body));
    const response = await breaks("http://server/");
    await expect(response.text()).rejects.toThrow(new TypeError("terminated"));
  });

  it("ends a request that is aborted, with the reason", async () => {
    const reason = new Error("enough");
    const seen: unknown[] = [];
    const server = handlerAsFetch((request) => {
      request.signal.addEventListener("abort", () => seen.push(request.signal.reason));
      return new Promise(() => {});
    });
    await expect(server("http://server/", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const answer = server("http://server/", { signal: controller.signal });
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
    expect(seen).toEqual([reason]);
  });

  it("ends a body that is aborted, with the reason, and stops its source", async () => {
    const reason = new Error("enough");
    const cancelled = Promise.withResolvers<unknown>();
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: cancelled.resolve,
    });
    const server = handlerAsFetch(async () => new Response(body));
    const controller = new AbortController();
    const response = await server("http://server/", { signal: controller.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort(reason);
    await expect(reader?.read()).rejects.toBe(reason);
    expect(await cancelled.promise).toBe(reason);
  });
});
