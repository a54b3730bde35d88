import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { listFiles, projectRoot, readProjectFile } from "./source-files.js";

const pages = [...listFiles(["docs"], [".md"]), ...listFiles([""], [".md"]).filter((file) => !file.includes("/"))];
const { scripts } = JSON.parse(readProjectFile("package.json")) as { scripts: Readonly<Record<string, string>> };

const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "");

/** The anchor that a heading gets: lower case, no punctuation, dashes for spaces. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");

function anchorsOf(page: string): string[] {
  return [...readProjectFile(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

describe("the documentation", () => {
  it("has links that lead somewhere", () => {
    const broken = pages.flatMap((page) =>
      [...withoutCode(readProjectFile(page)).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)]
        .map(([, link = ""]) => link)
        .filter((link) => !leadsSomewhere(page, link))
        .map((link) => `${page}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  it("names only commands that package.json has", () => {
    const unknown = pages.flatMap((page) =>
      [...readProjectFile(page).matchAll(/npm (?:run (?:-s )?([a-z:-]+)|(start|test)\b)/g)]
        .map(([, run, short]) => run ?? short ?? "")
        .filter((name) => scripts[name] === undefined)
        .map((name) => `${page}: npm run ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  it("names only source files that exist", () => {
    const unknown = pages
      .filter((page) => page !== "CHANGELOG.md")
      .flatMap((page) =>
        [...readProjectFile(page).matchAll(/`((?:src|test|scripts|demo|bench|proto|deploy)\/[\w./-]+)`/g)]
          .map(([, path = ""]) => path)
          .filter((path) => !existsSync(join(projectRoot, path)))
          .map((path) => `${page}: ${path}`),
      );
    expect(unknown).toEqual([]);
  });

  it("comes with a licence, and with pages for those who contribute or report", () => {
    expect(readProjectFile("LICENSE")).toMatch(/^MIT License\n/);
    for (const page of ["CONTRIBUTING.md", "SECURITY.md", "docs/wire.md"]) expect(pages).toContain(page);
  });
});

function leadsSomewhere(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : posix.join(posix.dirname(page), path);
  if (!existsSync(join(projectRoot, target))) return false;
  return anchor === undefined || !target.endsWith(".md") || anchorsOf(target).includes(anchor);
}
