/**
 * Blocks that terminals draw two cells wide, as first and last code point: what Unicode Standard Annex #11 calls wide
 * or fullwidth, without emoji, which have a property of their own.
 */
const WIDE_BLOCKS: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x20000, 0x3fffd],
];

const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u{1160}-\u{11ff}]$/u;
const WIDE_EMOJI = /^\p{Emoji_Presentation}$/u;
const PLAIN = /^[\x20-\x7e]*$/;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** How many terminal cells the text takes. Expects text without control characters; see `printable`. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** The longest start of the text that fits into `cells`, ending in an ellipsis where something was cut. */
export function truncateToWidth(text: string, cells: number): string {
  if (PLAIN.test(text) && text.length <= cells) return text;
  if (cells <= 0) return "";
  let width = 0;
  let fitting = "";
  let start = "";
  for (const { segment } of graphemes.segment(text)) {
    width += graphemeWidth(segment);
    if (width > cells) return `${fitting}…`;
    start += segment;
    if (width < cells) fitting = start;
  }
  return text;
}

/** A grapheme is drawn as wide as the widest of its characters; a sequence joined to one emoji is one emoji. */
function graphemeWidth(grapheme: string): number {
  let width = 0;
  for (const character of grapheme) width = Math.max(width, characterWidth(character));
  return grapheme.includes("\u{fe0f}") ? 2 : width;
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (NO_WIDTH.test(character)) return 0;
  if (WIDE_EMOJI.test(character)) return 2;
  return WIDE_BLOCKS.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}
