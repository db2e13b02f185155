import { describe, expect, it } from "vitest";
import { checkOptions } from "../src/check-options.ts";
import type { ConnectOptions } from "../src/options.ts";
import { nameOf } from "../src/remote.ts";

const PATH = ":memory:";
const URL = "http://127.0.0.1:1/";

/** What `checkOptions` says of options that the types would not let pass. */
function refusal(options: Record<string, unknown>): { code: string; message: string } {
  try {
    checkOptions(options as unknown as ConnectOptions);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  throw new Error("the options were accepted");
}

describe("options of connect", () => {
  it("are accepted when every one is known and of the right kind", () => {
    const options = {
      path: PATH,
      url: URL,
      authToken: async () => "secret",
      partialSync: {
        bootstrapStrategy: { kind: "prefix", length: 4096 },
        segmentSize: 16_384,
        prefetch: false,
      },
      experimental: ["views"],
    } as const;
    expect(checkOptions(options)).toEqual(options);
  });

  it('take "auto" for the size of a segment', () => {
    const options = { path: PATH, url: URL, partialSync: { segmentSize: "auto" } } as const;
    expect(checkOptions(options)).toEqual(options);
  });

  it("take partialSyncExperimental as another name of partialSync", () => {
    const checked = checkOptions({ path: PATH, url: URL, partialSyncExperimental: { segmentSize: 4096 } });
    expect(checked.partialSync).toEqual({ segmentSize: 4096 });
    expect(checked).not.toHaveProperty("partialSyncExperimental");
  });

  it.each([
    ["an unknown option", { path: PATH, segmentSize: 1 }, "segmentSize"],
    [
      "an unknown partial option",
      { path: PATH, url: URL, partialSync: { segment: 1 } },
      "partialSync.segment",
    ],
    ["a missing path", { url: URL }, "path"],
    ["an empty path", { path: "", url: URL }, "path"],
    ["a wrong type", { path: PATH, url: 7 }, "url"],
    ["a number out of range", { path: PATH, url: URL, timeoutMs: 0 }, "timeoutMs"],
    [
      "a fraction where bytes are counted",
      { path: PATH, url: URL, partialSync: { segmentSize: 1.5 } },
      "segmentSize",
    ],
    [
      "a segment size in words",
      { path: PATH, url: URL, partialSync: { segmentSize: "large" } },
      'segmentSize must be an integer from 1 or "auto"',
    ],
    [
      "an unknown cause",
      { path: PATH, url: URL, partialSync: { prefetch: ["scan", "magic"] } },
      "prefetch must be true, false or a list of run-ahead, overflow",
    ],
    ["an unknown word", { path: PATH, url: URL, remote: "ftp" }, "remote"],
    [
      "both names of one thing",
      { path: PATH, url: URL, partialSync: {}, partialSyncExperimental: {} },
      "partialSync",
    ],
    [
      "a chunk size for a partial replica",
      { path: PATH, url: URL, partialSync: {}, pullBytesThreshold: 1 },
      "pull",
    ],
    ["a remote option without a remote", { path: PATH, authToken: "x" }, "authToken"],
    ["partial sync without a remote", { path: PATH, partialSync: {} }, "partialSync"],
    [
      "an unknown strategy",
      { path: PATH, url: URL, partialSync: { bootstrapStrategy: { kind: "all" } } },
      "kind",
    ],
    [
      "a prefix without length",
      { path: PATH, url: URL, partialSync: { bootstrapStrategy: { kind: "prefix" } } },
      "length",
    ],
    [
      "both names of writes at the remote",
      { path: PATH, url: URL, remoteWrites: true, remoteWritesExperimental: false },
      "remoteWrites and remoteWritesExperimental",
    ],
    [
      "a static host where the URL is a function",
      { path: PATH, url: () => URL, remote: "static" },
      'remote must be "sync-server"',
    ],
    ["a store that is not open yet", { path: PATH, store: Promise.resolve() }, "store must be a PageStore"],
    ["a transport that is none", { path: PATH, transport: {} }, "transport must be a Transport"],
    [
      "more readers than there may be",
      { path: PATH, readers: 65 },
      "readers must be an integer from 1 to 64",
    ],
    ["a logical log", { path: PATH, url: URL, logicalMvccPull: true }, "logicalMvccPull"],
    ["a push without a remote", { path: PATH, pushOperationsThreshold: 5 }, "pushOperationsThreshold"],
    [
      "half of an encryption",
      { path: PATH, url: URL, remoteEncryption: { key: "a2V5" } },
      "remoteEncryption",
    ],
  ])("name the option when there is %s", (_, options, name) => {
    const { code, message } = refusal(options);
    expect(code).toBe("INVALID_OPTION");
    expect(message).toContain(name);
  });

  it("do not name an option that is a member of every object", () => {
    expect(refusal({ path: PATH, toString: 1 }).message).toContain("unknown option toString");
  });

  it("take remoteWritesExperimental as another name of remoteWrites", () => {
    const checked = checkOptions({ path: PATH, url: URL, remoteWritesExperimental: true });
    expect(checked).toEqual({ path: PATH, url: URL, remoteWrites: true });
  });

  it("accept every option of the client they take the names from", () => {
    const options = {
      path: PATH,
      url: () => null,
      authToken: "secret",
      clientName: "app",
      remoteEncryption: { key: "a2V5", cipher: "aes256gcm" },
      transform: () => null,
      longPollTimeoutMs: 1000,
      tracing: "error",
      experimental: ["views"],
      pushOperationsThreshold: 10,
      pullBytesThreshold: 65_536,
      logicalMvccPull: false,
      fetch,
    } as const;
    expect(checkOptions(options)).toEqual(options);
  });
});

describe("the URL of a remote", () => {
  it("holds no user name or password: there is authToken", () => {
    expect(() => nameOf("libsql://me:secret@host.example/app.db")).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.not.stringContaining("secret") }),
    );
    expect(() => nameOf("HTTPS://me:secret@host.example/app.db")).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.not.stringContaining("secret") }),
    );
    expect(nameOf("libsql://host.example/@me")).toBe("https://host.example/@me");
    expect(nameOf("https://host.example?of=a@b")).toBe("https://host.example");
  });

  it("begins with one of the schemes; what it begins with is said", () => {
    expect(() => nameOf("localhost:8080")).toThrow('http: or file:, got "localhost:"');
  });
});
