// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
const CONTROL = /[\x00-\x1f\x7f-\x9f\u{2028}\u{2029}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu;

/**
 * The text on one line and without anything a terminal would obey: the content of a database comes from strangers.
 * Control characters become their pictures (`␊` for a line end), direction overrides and C1 controls become `�`.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return "\u{2421}";
    return code === 0x2028 || code === 0x2029 ? "\u{240a}" : "\u{fffd}";
  });
}
