/** The objects of a text with one to a line. */
export function* jsonLines(text: string): Generator<Record<string, unknown>> {
  for (const line of text.split("\n")) if (line !== "") yield JSON.parse(line);
}
