// Reads the imports of a source file. Statements are found by their text: the formatter leaves only a few shapes.

import { posix } from "node:path";

export interface Import {
  /** Path from the root for the project's own files, else the name of the package or `node:` module. */
  readonly target: string;
  readonly isOwn: boolean;
  /** `import type` and `export type`: gone after compilation. */
  readonly isTypeOnly: boolean;
}

const STATIC = /^(?:import|export)\s+(type\s+(?!from\b))?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\b(?:import|require|require\.resolve)\(\s*["'`]([^"'`]+)["'`]\s*[,)]/g;

export function readImports(path: string, source: string): Import[] {
  const imports: Import[] = [];
  const add = (specifier: string, isTypeOnly: boolean) => {
    const isOwn = specifier.startsWith(".");
    imports.push({ target: isOwn ? resolveOwn(path, specifier) : packageOf(specifier), isOwn, isTypeOnly });
  };
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  for (const match of code.matchAll(STATIC)) add(match[2] ?? "", match[1] !== undefined);
  for (const match of code.matchAll(DYNAMIC)) add(match[1] ?? "", false);
  return imports;
}

function resolveOwn(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, ".ts");
}

function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}
