// Tests that the documentation names, by file and title: `test/…` › “title”.

export interface Citation {
  readonly file: string;
  readonly title: string;
}

export function citationsOf(text: string): Citation[] {
  return [...text.matchAll(/`(test\/[\w./-]+\.ts)` › “([^”]+)”/g)].map(([, file = "", title = ""]) => ({
    file,
    title,
  }));
}

/**
 * Whether the source has a text that begins so: a title is the first text of its test, alone or in a line of its own. With
 * `…` in front it may stand behind what the source computes.
 */
export function hasTitle(source: string, title: string): boolean {
  const isComputed = title.startsWith("…");
  const words = isComputed ? title.slice(1) : title;
  const before = isComputed ? "" : String.raw`(?:\b(?:it|test|describe)|\)|^\s*)\(?\s*["'\`]`;
  return new RegExp(before + escaped(words), "m").test(source);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
