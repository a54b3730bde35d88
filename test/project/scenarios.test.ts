import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { citationsOf, hasTitle } from "./citations.js";
import { listFiles, projectRoot, readProjectFile } from "./source-files.js";

const PAGE = "docs/scenarios.md";
const SCENARIOS = Array.from({ length: 21 }, (_, i) => `T${i + 1}`);

describe("docs/scenarios.md", () => {
  const text = readProjectFile(PAGE);
  const rows = [...text.matchAll(/^\| (T\d+) \|[^|]*\|(.*)\|$/gm)].map(([, number = "", proof = ""]) => ({
    number,
    proof: proof.trim(),
  }));

  it("has a row for each scenario", () => {
    expect(rows.map(({ number }) => number)).toEqual(SCENARIOS);
  });

  it("names tests that exist, or says in a sentence why there is none", () => {
    const citations = citationsOf(text);
    expect(citations.length).toBeGreaterThan(SCENARIOS.length);
    const missing = citations.filter(
      ({ file, title }) => !existsSync(join(projectRoot, file)) || !hasTitle(readProjectFile(file), title),
    );
    expect(missing.map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
    const empty = rows.filter(({ proof }) => citationsOf(proof).length === 0 && !/[A-Z].{20,}\.$/.test(proof));
    expect(empty).toEqual([]);
  });

  it("names every file of scenarios", () => {
    const files = listFiles(["test/integration/scenarios"], [".test.ts"]);
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !text.includes(`\`${file}\``))).toEqual([]);
  });
});

describe("the titles of scenarios", () => {
  it("begin with a scenario's number only where the page has that number lead to their file", () => {
    const text = readProjectFile(PAGE);
    const strays = listFiles(["test/integration/scenarios"], [".test.ts"]).flatMap((file) =>
      [...readProjectFile(file).matchAll(/["`]((?:T\d+, )*T\d+): [^"`]*["`]/g)].flatMap(([, numbers = ""]) =>
        numbers
          .split(", ")
          .filter((number) => !rowOf(text, number).includes(`\`${file}\``))
          .map((number) => `${file}: ${number}`),
      ),
    );
    expect(strays).toEqual([]);
  });
});

function rowOf(text: string, number: string): string {
  return text.split("\n").find((line) => line.startsWith(`| ${number} |`)) ?? "";
}
