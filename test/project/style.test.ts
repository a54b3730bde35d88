import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { codeFolders, listFiles, readProjectFile, stripCommentsAndStrings } from "./source-files.js";

interface StyleRule {
  readonly title: string;
  /** Where a match breaks the rule. Written in pieces where the rule would find itself. */
  readonly pattern: RegExp;
  /** What the pattern reads: all of the text, or the code without comments and strings. */
  readonly reads: "text" | "code";
  readonly breaks: string;
  readonly keeps: string;
}

const word = (...pieces: string[]) => pieces.join("");

const rules: readonly StyleRule[] = [
  {
    title: "holds no `any`",
    pattern: /(?<![\w.$])any(?![\w$(]|\s*:)/,
    reads: "code",
    breaks: "let x: any[] = [];",
    keeps: `expect.any(String); // as any\nconst text = "any";`,
  },
  {
    title: "silences no compiler error",
    pattern: new RegExp(word("@ts-", "(?:ignore|expect-error|nocheck)")),
    reads: "text",
    breaks: word("// @ts-", "ignore"),
    keeps: "// The compiler is right.",
  },
  {
    title: "disables no rule of linter or formatter",
    pattern: new RegExp(word("(?:ox|es)lint-", "disable|(?:prettier|oxfmt|biome)-", "ignore")),
    reads: "text",
    breaks: word("// oxlint-", "disable-next-line no-console"),
    keeps: "// The linter is right.",
  },
  {
    title: "leaves nothing to do later",
    pattern: new RegExp(word("\\b(?:TO", "DO|FIX", "ME|XX", "X|HA", "CK)\\b")),
    reads: "text",
    breaks: word("// TO", "DO: finish"),
    keeps: "// To do this, the room must be open.",
  },
  {
    title: "leaves no test out and runs none alone",
    pattern: /\b(?:describe|it|test|suite|bench)(?:\.\w+)*\.(?:only|skip|todo|fails)\b/,
    reads: "code",
    breaks: word("it.concurrent.", "only('x', f);"),
    keeps: "describe.skipIf(!found)('x', f);",
  },
];

/** Folders that exist on somebody's machine and on no other. */
const machinePath = new RegExp(
  word("(?<![\\w.*])(?:/wo", "rk/|/ho", "me/\\w|/ro", "ot/|/Us", "ers/\\w|[A-Z]:\\\\\\w)"),
);

const codeFiles = [
  ...listFiles(codeFolders, [".ts", ".mts", ".mjs", ".js", ".sh"]),
  ...listFiles([""], [".config.ts"]).filter((file) => !file.includes("/")),
];
const textFiles = [
  ...codeFiles,
  ...listFiles(["docs", "deploy", "proto", ".ci"], [""]),
  ...listFiles([""], [".md", ".yaml", ".yml", ".json", "Dockerfile"]).filter((file) => !file.includes("/")),
];

const where = (files: readonly string[], isBroken: (text: string) => boolean) =>
  files.filter((file) => isBroken(readProjectFile(file)));

describe("every source file", () => {
  it("was found", () => {
    expect(codeFiles).toContain("test/project/style.test.ts");
    expect(codeFiles.length).toBeGreaterThan(20);
  });

  it("has at most 300 lines", () => {
    expect(where(codeFiles, (text) => text.trimEnd().split("\n").length > 300)).toEqual([]);
  });

  it("has a name in kebab case", () => {
    const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+$/;
    expect(codeFiles.filter((file) => !kebab.test(basename(file)))).toEqual([]);
  });

  it.each(rules)("$title", ({ pattern, reads }) => {
    const broken = codeFiles.flatMap((file) => {
      const text = readProjectFile(file);
      const lines = (reads === "text" ? text : stripCommentsAndStrings(text)).split("\n");
      return lines.flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : []));
    });
    expect(broken).toEqual([]);
  });

  it("and every page names no folder of somebody's machine", () => {
    expect(where(textFiles, (text) => machinePath.test(text))).toEqual([]);
  });
});

describe("the style rules", () => {
  it.each(rules)("$title: tell right from wrong", ({ pattern, reads, breaks, keeps }) => {
    const read = reads === "text" ? (text: string) => text : stripCommentsAndStrings;
    expect(pattern.test(read(breaks))).toBe(true);
    expect(pattern.test(read(keeps))).toBe(false);
  });

  it("know a machine's folder from an address", () => {
    expect(machinePath.test(word('cwd: "/wo', 'rk/x"'))).toBe(true);
    expect(machinePath.test(word("cp /ro", "ot/.npmrc ."))).toBe(true);
    expect(machinePath.test("https://example.com/home/page, src/work/x and ./root/x")).toBe(false);
  });

  it("keep the numbers of lines when they look at code alone", () => {
    expect(stripCommentsAndStrings('a; // any "x\n/* any\n any */ b = "any";\nc = `any\n`; d(/any"/g, 1);')).toBe(
      'a; \n\n b = "";\nc = "\n"; d(, 1);',
    );
  });
});
