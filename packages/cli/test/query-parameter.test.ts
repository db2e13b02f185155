import { describe, expect, it } from "vitest";
import { parseParameter } from "../src/query-parameter.ts";

describe("a parameter is read from", () => {
  it.each([
    ["id=42", { name: "id", value: 42 }],
    ["id=-1", { name: "id", value: -1 }],
    ["id=9007199254740993", { name: "id", value: 9007199254740993n }],
    ["id=-9223372036854775808", { name: "id", value: -9223372036854775808n }],
    ["id=9223372036854775808", { name: "id", value: 2 ** 63 }],
    ["id=007", { name: "id", value: "007" }],
    ["x=1.5e3", { name: "x", value: 1500 }],
    ["x=null", { name: "x", value: null }],
    ["x=true", { name: "x", value: "true" }],
    ["x=", { name: "x", value: "" }],
    ["word=ocean", { name: "word", value: "ocean" }],
    ['word="42"', { name: "word", value: "42" }],
    ["word=a=b", { name: "word", value: "a=b" }],
    [":größe=1", { name: "größe", value: 1 }],
    ["$v=two\nlines", { name: "v", value: "two\nlines" }],
    ["x=[1]", { name: "x", value: "[1]" }],
    ["x", undefined],
    ["=1", undefined],
    ["a b=1", undefined],
  ])("%s", (text, parameter) => {
    expect(parseParameter(text)).toEqual(parameter);
  });
});
