import { describe, expect, it } from "vitest";
import { jsonFormat } from "../src/format/json-format.ts";
import { render } from "./render.ts";

describe("JSON", () => {
  it("is one array with an object a row", () => {
    const text = render(
      jsonFormat(),
      ["id", "name"],
      [
        [1n, "a"],
        [2n, null],
      ],
    );
    expect(text).toBe('[{"id":1,"name":"a"},\n{"id":2,"name":null}]\n');
    expect(JSON.parse(text)).toEqual([
      { id: 1, name: "a" },
      { id: 2, name: null },
    ]);
  });

  it("is an empty array when there is no row", () => {
    expect(render(jsonFormat(), ["a"])).toBe("[]\n");
  });

  it("writes integers beyond 2^53 with all their digits", () => {
    expect(render(jsonFormat(), ["n"], [[-9223372036854775808n]])).toBe('[{"n":-9223372036854775808}]\n');
  });

  it("stays valid with reals that are whole, huge or infinite", () => {
    const values = [2, 1e300, 1e-7, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const text = render(
      jsonFormat(),
      ["r"],
      values.map((value) => [value]),
    );
    expect(text).toContain('{"r":2.0}');
    expect((JSON.parse(text) as { r: number }[]).map(({ r }) => r)).toEqual(values);
  });

  it("escapes text and column names", () => {
    const text = render(jsonFormat(), ['a"b'], [['line\n"quoted" \u0000 \ud800']]);
    expect(JSON.parse(text)).toEqual([{ 'a"b': 'line\n"quoted" \u0000 \ud800' }]);
  });

  it("writes a blob as a string of hexadecimal digits", () => {
    expect(render(jsonFormat(), ["b"], [[new Uint8Array([1, 171])]])).toBe('[{"b":"01ab"}]\n');
  });

  it("keeps columns of the same name apart", () => {
    expect(render(jsonFormat(), ["id", "id", "id_2", "id"], [[1n, 2n, 3n, 4n]])).toBe(
      '[{"id":1,"id_3":2,"id_2":3,"id_4":4}]\n',
    );
  });

  it("keeps the order of columns whose names are numbers", () => {
    expect(render(jsonFormat(), ["b", "1"], [[1n, 2n]])).toBe('[{"b":1,"1":2}]\n');
  });
});
