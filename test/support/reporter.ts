// Closes every run of the tests with one plain line that people and scripts can read: `N passed, N failed, N skipped`.
// It is printed while the process exits, so that nothing can follow it. The exit code stays vitest's own.

import type { Reporter, TestModule } from "vitest/node";

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

export default class ClosingLineReporter implements Reporter {
  #tally: Tally | undefined;

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[], reason: string): void {
    const isFirst = this.#tally === undefined;
    this.#tally = tallyOf(modules, unhandledErrors.length, reason);
    if (isFirst) process.on("exit", () => this.#print());
  }

  #print(): void {
    if (this.#tally === undefined) return;
    const { passed, failed, skipped } = this.#tally;
    // Whatever made the exit code bad was a failure, even if no test can be named for it.
    const isBad = process.exitCode !== undefined && Number(process.exitCode) !== 0;
    const failures = isBad && failed === 0 ? 1 : failed;
    process.stdout.write(`${passed} passed, ${failures} failed, ${skipped} skipped\n`);
  }
}

function tallyOf(modules: readonly TestModule[], unhandledErrorCount: number, reason: string): Tally {
  const tally: Tally = { passed: 0, failed: unhandledErrorCount, skipped: 0 };
  for (const module of modules) {
    // A file that could not be loaded, and a hook that threw, take tests with them that nobody can count.
    if (module.errors().length > 0) tally.failed += 1;
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) tally.failed += 1;
    }
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      tally[state === "pending" ? "failed" : state] += 1;
    }
  }
  if (tally.failed === 0 && reason !== "passed") tally.failed = 1;
  return tally;
}
