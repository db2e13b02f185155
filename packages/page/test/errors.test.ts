import { describe, expect, it } from "vitest";
import { closedError, isLacunaError, LacunaError, pageNo } from "../src/index.ts";

describe("LacunaError", () => {
  it("says the page in its message and carries its facts", () => {
    const cause = new TypeError("fetch failed");
    const error = new LacunaError("NETWORK", "the host is down", {
      page: pageNo(7),
      offset: 3,
      status: 503,
      url: "https://example.test/app.db",
      path: "app.db",
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "LacunaError",
      code: "NETWORK",
      message: "page 7: the host is down",
      page: 7,
      offset: 3,
      status: 503,
      url: "https://example.test/app.db",
      path: "app.db",
    });
    expect(error.cause).toBe(cause);
  });

  it("has no page and no cause where there is none", () => {
    const error = new LacunaError("CLOSED", "the store is closed");
    expect(error.message).toBe("the store is closed");
    expect("cause" in error).toBe(false);
    expect(error.page).toBeUndefined();
  });
});

describe("isLacunaError", () => {
  it("knows an error, and one of a code", () => {
    const error = new LacunaError("TIMEOUT", "too slow");
    expect(isLacunaError(error)).toBe(true);
    expect(isLacunaError(error, "TIMEOUT")).toBe(true);
    expect(isLacunaError(error, "NETWORK")).toBe(false);
  });

  it("knows one of another installed copy", () => {
    const other = Object.assign(new Error("elsewhere"), { name: "LacunaError", code: "TIMEOUT" });
    expect(isLacunaError(other, "TIMEOUT")).toBe(true);
  });

  it("knows one of a class derived from it, under its own name", () => {
    class SqlError extends LacunaError {
      override readonly name = "SqlError";
    }
    expect(isLacunaError(new SqlError("SQL", "syntax"), "SQL")).toBe(true);
  });

  it.each([
    undefined,
    null,
    "NETWORK",
    { code: "NETWORK" },
    new Error("x"),
    Object.assign(new Error("x"), { code: 7 }),
    Object.assign(new Error("no such file"), { code: "ENOENT" }),
  ])("does not take %o for one", (value) => {
    expect(isLacunaError(value)).toBe(false);
  });
});

describe("closedError", () => {
  it("names what was closed", () => {
    expect(closedError("the cache")).toMatchObject({ code: "CLOSED", message: "the cache is closed" });
  });
});
