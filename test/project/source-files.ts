// The project's own files, as the tests about the project read them.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

/** What a person writes; `statecharts/` is generated, the rest is built or installed. */
export const codeFolders = ["src", "test", "bench", "demo", "scripts", "examples"] as const;

const IGNORED = new Set(["node_modules", "dist", "coverage", ".git", ".cache"]);

/** Paths below these folders that end in one of the suffixes, relative to the root, with forward slashes, sorted. */
export function listFiles(folders: readonly string[], suffixes: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    for (const entry of readdirSync(join(projectRoot, path), { withFileTypes: true })) {
      const child = path === "" ? entry.name : `${path}/${entry.name}`;
      if (IGNORED.has(entry.name)) continue;
      if (entry.isDirectory()) visit(child);
      else if (suffixes.some((suffix) => entry.name.endsWith(suffix))) found.push(child);
    }
  };
  for (const folder of folders) if (existsSync(join(projectRoot, folder))) visit(folder);
  return found.toSorted();
}

export function readProjectFile(path: string): string {
  return readFileSync(join(projectRoot, path), "utf8");
}

const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/;
const STRING = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/;
const REGEXP = /(?<=[=(,:?[]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*/;
const NO_CODE = new RegExp([REGEXP, COMMENT, STRING].map((each) => each.source).join("|"), "g");

/** The code without comments, and with strings and regular expressions emptied; lines keep their numbers. */
export function stripCommentsAndStrings(source: string): string {
  return source.replaceAll(NO_CODE, (match) => {
    const lines = match.replaceAll(/[^\n]/g, "");
    return match.startsWith("/") ? lines : `"${lines}"`;
  });
}
