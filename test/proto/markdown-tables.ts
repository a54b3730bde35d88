// Reads the tables of a Markdown page, so that a page can be compared with what it describes.

export interface MarkdownTable {
  /** Headings above the table, outermost first. */
  readonly headings: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function readTables(markdown: string): MarkdownTable[] {
  const tables: MarkdownTable[] = [];
  const headings: string[] = [];
  let block: string[] = [];
  const flush = () => {
    if (block.length > 0) tables.push(toTable(headings.filter(Boolean), block));
    block = [];
  };
  for (const line of markdown.split("\n")) {
    if (line.startsWith("|")) {
      block.push(line);
      continue;
    }
    flush();
    const heading = /^(#+) (.*)$/.exec(line);
    if (heading === null) continue;
    const depth = (heading[1] ?? "").length;
    headings.length = depth - 1;
    headings[depth - 1] = heading[2] ?? "";
  }
  flush();
  return tables;
}

function toTable(headings: readonly string[], lines: readonly string[]): MarkdownTable {
  const [columns = [], , ...rows] = lines.map(cells);
  return { headings: [...headings], columns, rows };
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => cell.trim());
}

/** `x` without the backquotes around it. */
export function bare(cell: string): string {
  return cell.replaceAll("`", "");
}
