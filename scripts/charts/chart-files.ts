// The files of statecharts/, as they should be, and which of those on disk are not.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Chart } from "./charts.js";
import { readChart } from "./chart-shape.js";
import { printMermaid } from "./mermaid.js";
import { printLiteral } from "./source-literal.js";
import { printTables } from "./tables.js";

/** Name of each file, and its text. */
export type ChartFiles = ReadonlyMap<string, string>;

export function generateFiles(charts: readonly Chart[]): ChartFiles {
  return new Map(
    charts.flatMap((chart) => [
      [`${chart.name}.ts`, printSource(chart)],
      [`${chart.name}.json`, `${JSON.stringify(chart.machine.config, null, 2)}\n`],
      [`${chart.name}.md`, printPage(chart)],
    ]),
  );
}

export function writeFiles(folder: string, files: ChartFiles): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name), { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
}

/** Names of the files that are missing, differ, or belong to no machine any more. */
export function staleFiles(folder: string, files: ChartFiles): string[] {
  const present = new Map(readdirSync(folder).map((name) => [name, join(folder, name)]));
  const differing = [...files].filter(([name, text]) => {
    const path = present.get(name);
    return path === undefined || readFileSync(path, "utf8") !== text;
  });
  const orphaned = [...present.keys()].filter((name) => !files.has(name));
  return [...differing.map(([name]) => name), ...orphaned].toSorted();
}

function printSource({ name, source, machine }: Chart): string {
  // What JSON cannot hold are the functions that shape context, input and output; the chart is the same without them.
  const config: unknown = JSON.parse(JSON.stringify(machine.config));
  return [
    `// Generated from ${source} by \`npm run statecharts:write\`; changes belong there.`,
    `// Paste it into Stately's editor, or let the editor import it from GitHub.`,
    "",
    `import { createMachine } from "xstate";`,
    "",
    `export const ${name}Machine = createMachine(${printLiteral(config)});`,
    "",
  ].join("\n");
}

function printPage(chart: Chart): string {
  const { name, source, machine } = chart;
  const root = readChart(machine);
  return [
    `# The ${name} chart`,
    `${root.description} Generated from [\`${source}\`](../${source}) by \`npm run statecharts:write\`; the same chart is in [${name}.ts](${name}.ts), to import into Stately's editor, and in [${name}.json](${name}.json). How to look at it: [docs/statecharts.md](../docs/statecharts.md).`,
    `\`\`\`mermaid\n${printMermaid(root)}\`\`\``,
    `${printTables(chart)}\n`,
  ].join("\n\n");
}
