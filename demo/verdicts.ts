// What the demo claims, each claim with what was measured. A claim that nothing has been measured for has failed.

import { redact } from "../src/redact.js";
import type { Paint } from "./screen.js";

export const CLAIMS = [
  "phone joins",
  "cloud joins",
  "microphone arrives",
  "heartbeats answered",
  "cloud is heard",
  "clip plays and stops",
  "join replaces",
  "lost stream cleaned up",
  "audio resumes",
  "nothing is left",
] as const;

export type Claim = (typeof CLAIMS)[number];

export interface Verdict {
  readonly claim: Claim;
  readonly isOk: boolean;
  /** What was measured, or why it failed. */
  readonly detail: string;
}

/** What a step measured, and what later steps need of it. */
export interface Measured<Value> {
  readonly detail: string;
  readonly value: Value;
}

export class Verdicts {
  readonly #verdicts = new Map<Claim, Verdict>();

  /** Runs one step. What it throws is why its claim does not hold; then there is no result. */
  async check<Value>(claim: Claim, step: () => Promise<Measured<Value>>): Promise<Value | undefined> {
    try {
      const { detail, value } = await step();
      this.#verdicts.set(claim, { claim, isOk: true, detail });
      return value;
    } catch (error) {
      this.#verdicts.set(claim, { claim, isOk: false, detail: reasonOf(error) });
      return undefined;
    }
  }

  get all(): readonly Verdict[] {
    return CLAIMS.map((claim) => this.#verdicts.get(claim) ?? { claim, isOk: false, detail: "not reached" });
  }

  get areAllOk(): boolean {
    return this.all.every(({ isOk }) => isOk);
  }
}

/** Throws `problem` unless `holds`: for the conditions of a claim. */
export function demand(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Error(problem);
}

/** Where details begin. */
const DETAIL_COLUMN = 35;
const COLUMNS = 100;

export function verdictLines(verdicts: Verdicts, { good, bad, dim }: Paint): string[] {
  return verdicts.all.flatMap(({ claim, isOk, detail }) => {
    const [first = "", ...more] = wrap(detail, COLUMNS - DETAIL_COLUMN);
    const mark = isOk ? good("OK    ") : bad("FAILED");
    const style = isOk ? dim : (text: string) => text;
    const head = `   ${mark}  ${claim.padEnd(DETAIL_COLUMN - 11)}${style(first)}`;
    return [head, ...more.map((line) => " ".repeat(DETAIL_COLUMN) + style(line))];
  });
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return redact(text).replaceAll(/\s+/g, " ");
}
