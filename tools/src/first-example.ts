/** The first block of TypeScript or JavaScript in a Markdown text, as somebody would paste it. */
export function firstExample(markdown: string): string | undefined {
  const block = /^```(?:ts|typescript|js|javascript|mjs)\b[^\n]*\n([\s\S]*?)^```/m.exec(
    markdown.replaceAll("\r\n", "\n"),
  );
  return block?.[1];
}
