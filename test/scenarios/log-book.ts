// What all processes of a scenario have logged, in one book. Words that must never be said are looked for in every line as
// it comes: tokens, secrets, and the refusal of old.

import { writeFileSync } from "node:fs";

export interface LogEntry {
  readonly source: string;
  /** Unix time in milliseconds, by the process that wrote it. */
  readonly time: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What an entry has to be: a text is its message; fields have to be equal. */
export interface LogPattern {
  readonly source?: string;
  readonly message: string | RegExp;
  readonly [field: string]: unknown;
}

const ENTRIES_MAX = 200_000;
/** A token is three texts with dots between; its first two begin with an opening brace in base 64. */
const TOKEN = /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/;
const REFUSAL = /session already exists/i;

export class LogBook {
  readonly entries: LogEntry[] = [];
  /** Lines that must not be, with the process that wrote them. */
  readonly violations: string[] = [];
  readonly #secrets = new Set<string>();
  readonly #keep: boolean;

  /** With `keep: false`, lines are only looked at, and the newest remembered for error messages. */
  constructor({ keep = true } = {}) {
    this.#keep = keep;
  }

  /** From now on no line may contain this text. Lines so far are looked at as well. */
  addSecret(secret: string): void {
    if (secret === "" || this.#secrets.has(secret)) return;
    this.#secrets.add(secret);
    for (const { source, fields } of this.entries) {
      if (JSON.stringify(fields).includes(secret)) this.violations.push(`${source} told a secret`);
    }
  }

  add(source: string, line: string): void {
    this.#judge(source, line);
    const fields = parse(line);
    const time = typeof fields["time"] === "number" ? fields["time"] : Date.now();
    this.entries.push({ source, time, message: textOf(fields["message"] ?? line), fields });
    if (this.entries.length > (this.#keep ? ENTRIES_MAX : 2000)) this.entries.splice(0, this.entries.length / 2);
  }

  /** In the order of their times, across processes. */
  find(pattern: LogPattern, sinceMs = 0): LogEntry[] {
    const found = this.entries.filter((entry) => entry.time >= sinceMs && fits(entry, pattern));
    return found.toSorted((a, b) => a.time - b.time);
  }

  /** The entries that fit the patterns, each at or after the one before; the first pattern that has none is named. */
  inOrder(patterns: readonly LogPattern[], sinceMs = 0): LogEntry[] {
    const found: LogEntry[] = [];
    let afterMs = sinceMs;
    for (const pattern of patterns) {
      const [next] = this.find(pattern, afterMs);
      if (!next) throw new Error(`not logged after ${afterMs}: ${describe(pattern)}\n${this.tail(pattern.source)}`);
      found.push(next);
      afterMs = next.time;
    }
    return found;
  }

  /** Everything in a file, in the order of time, for somebody who wants to know why a scenario failed. */
  write(file: string): void {
    const lines = this.entries
      .toSorted((a, b) => a.time - b.time)
      .map(({ source, time, message, fields }) => JSON.stringify({ ...fields, time, source, message }));
    writeFileSync(file, `${lines.join("\n")}\n`);
  }

  /** The end of what a process, or everybody, has said. */
  tail(source?: string, count = 12): string {
    const lines = this.entries.filter((entry) => source === undefined || entry.source.startsWith(source));
    const text = ({ source, time, message, fields }: LogEntry) =>
      `${source} ${time} ${message} ${JSON.stringify({ ...fields, message: undefined, time: undefined }).slice(0, 200)}`;
    return lines.slice(-count).map(text).join("\n");
  }

  #judge(source: string, line: string): void {
    if (TOKEN.test(line)) this.violations.push(`${source} logged a token: ${line.slice(0, 200)}`);
    if (REFUSAL.test(line)) this.violations.push(`${source}: ${line}`);
    for (const secret of this.#secrets) {
      if (line.includes(secret)) this.violations.push(`${source} told a secret: ${line.slice(0, 200)}`);
    }
  }
}

function fits(entry: LogEntry, { source, message, ...fields }: LogPattern): boolean {
  if (source !== undefined && !entry.source.startsWith(source)) return false;
  const isText = typeof message === "string" ? entry.message === message : message.test(entry.message);
  return isText && Object.entries(fields).every(([name, value]) => entry.fields[name] === value);
}

function describe(pattern: LogPattern): string {
  return JSON.stringify({ ...pattern, message: String(pattern.message) });
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
