// Writes docs/configuration.md from the schema in src/config.ts, or checks that it is fresh.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { configSchema } from "../src/config.js";

const PAGE = fileURLToPath(new URL("../docs/configuration.md", import.meta.url));

interface JsonSchema {
  readonly properties: Record<
    string,
    { description?: string; default?: string | number; enum?: string[]; minimum?: number; maximum?: number }
  >;
}

export function configurationPage(): string {
  const { properties } = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as unknown as JsonSchema;
  const rows = Object.entries(properties).map(
    ([name, { description = "", default: fallback, enum: values, minimum, maximum }]) => {
      const range = values?.join(", ") ?? (minimum === undefined ? "" : `${minimum} to ${maximum}`);
      return `| \`${name}\` | ${fallback === undefined || fallback === "" ? "–" : `\`${String(fallback)}\``} | ${range} | ${description} |`;
    },
  );
  return `# Configuration

Everything is set by environment variables. An empty value counts as unset. A wrong value stops the start with one line
that names the variable. At start the bridge logs every setting, secrets only as \`[set]\`. This page is generated from
\`src/config.ts\` by \`npm run docs:write\`.

| variable | default | values | what |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

if (process.argv.includes("--write")) writeFileSync(PAGE, configurationPage());
if (process.argv.includes("--check") && readFileSync(PAGE, "utf8") !== configurationPage()) {
  process.stderr.write("docs/configuration.md is stale: npm run docs:write\n");
  process.exit(1);
}
