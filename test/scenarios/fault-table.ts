// What became of the faults that were induced: a table by kind, and what went wrong in words.

export interface FaultOutcome {
  readonly kind: string;
  readonly user: string;
  /** From the heal to the first of the audio that then went on; absent if help was needed. */
  readonly resumedMs?: number;
  /** What had to be done, or that nothing helped. */
  readonly help?: string;
  /** The reason that the application was told, and how long after the fault. */
  readonly told?: { readonly reason: string; readonly afterMs: number };
}

export interface KindFigures {
  readonly kind: string;
  readonly count: number;
  readonly resumed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

export function figuresByKind(outcomes: readonly FaultOutcome[]): KindFigures[] {
  const kinds = [...new Set(outcomes.map(({ kind }) => kind))].toSorted();
  return [
    ...kinds.map((kind) =>
      figures(
        kind,
        outcomes.filter((outcome) => outcome.kind === kind),
      ),
    ),
    figures("all", outcomes),
  ];
}

export function resumedShare(outcomes: readonly FaultOutcome[]): number {
  return outcomes.filter(({ resumedMs }) => resumedMs !== undefined).length / Math.max(1, outcomes.length);
}

/** As a Markdown table, and a line for each that needed help. */
export function faultTable(outcomes: readonly FaultOutcome[]): string {
  const rows = figuresByKind(outcomes).map(({ kind, count, resumed, p50Ms, p95Ms, maxMs }) =>
    row([kind, count, resumed, ...[p50Ms, p95Ms, maxMs].map(Math.round)]),
  );
  const heads = [
    row(["fault", "count", "resumed", "p50 ms", "p95 ms", "max ms"]),
    row(["---", ...Array(5).fill("---:")]),
  ];
  return [...heads, ...rows, ...outcomes.filter(({ help }) => help !== undefined).map(inWords)].join("\n");
}

function inWords({ kind, user, help, told }: FaultOutcome): string {
  const reason = told ? `told "${told.reason}" after ${(told.afterMs / 1000).toFixed(1)} s` : "told nothing";
  return `${kind}, ${user}: ${reason}; help: ${help}`;
}

function figures(kind: string, outcomes: readonly FaultOutcome[]): KindFigures {
  const times = outcomes
    .flatMap(({ resumedMs }) => (resumedMs === undefined ? [] : [resumedMs]))
    .toSorted((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { kind, count: outcomes.length, resumed: times.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}
