import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { citationsOf, hasTitle } from "./citations.js";
import { projectRoot, readProjectFile } from "./source-files.js";

const PAGE = "docs/faults.md";

/** Rows of the table below a heading, by what their first column says. */
function rowsOf(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^\| ((?:A\d\.|c|T)?\d+) \|/gm)].map(([, number = ""]) => number);
}

const numbers = (from: number, to: number, prefix = "") =>
  Array.from({ length: to - from + 1 }, (_, i) => `${prefix}${from + i}`);

const sections: readonly (readonly [heading: string, numbers: readonly string[]])[] = [
  ["Lessons", numbers(1, 60)],
  ["Lessons of the cloud (61–69)", numbers(61, 69)],
  ["Defects of the old client (c)", numbers(1, 24, "c")],
  ["Faults at the gRPC port (A)", numbers(1, 24)],
  ["Faults of LiveKit (B)", numbers(25, 45)],
  ["Faults of playback (C)", numbers(46, 58)],
  ["Faults of the process (D)", numbers(59, 64)],
  ["Requirements of the wire (A1)", numbers(1, 17, "A1.")],
  ["Requirements of the bridge (A2)", numbers(1, 29, "A2.")],
  ["Requirements of the client (A3)", numbers(1, 19, "A3.")],
  ["Scenarios (T)", numbers(1, 21, "T")],
];

describe("docs/faults.md", () => {
  const text = readProjectFile(PAGE);

  it("cites only tests that exist", () => {
    const citations = citationsOf(text);
    expect(citations.length).toBeGreaterThan(300);
    const missing = citations.filter(
      ({ file, title }) => !existsSync(join(projectRoot, file)) || !hasTitle(readProjectFile(file), title),
    );
    expect(missing.map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
  });

  it.each(sections)("has a row for each of its numbers: %s", (heading, expected) => {
    expect(rowsOf(text, heading)).toEqual(expected);
  });

  it("has a test or a sentence in every row", () => {
    const rows = [...text.matchAll(/^\| (?:A\d\.|c|T)?\d+ \|[^|]*\|(.*)\|$/gm)].map(([, proof = ""]) => proof.trim());
    const empty = rows.filter((proof) => citationsOf(proof).length === 0 && !/[A-Z].{20,}\.$/.test(proof));
    expect(rows).toHaveLength(sections.flatMap(([, expected]) => expected).length);
    expect(empty).toEqual([]);
  });

  it("puts nothing off to a part that is there by now", () => {
    expect(text).not.toMatch(/not part of this package|not built yet|belongs to the client library/);
  });
});

describe("the search for titles", () => {
  it.each([
    ['  test("is heard", () => {', "is heard", true],
    ["  ])(`a tone of ${rate} is heard`, () => {", "…is heard", true],
    ['  it.each(all)(\n    "%s ends", () => {', "%s ends", true],
    ["// it is heard", "is heard", false],
    ['  test("is not heard", () => {', "is heard", false],
  ])("in %j finds %j: %s", (source, title, isThere) => {
    expect(hasTitle(source, title)).toBe(isThere);
  });
});
