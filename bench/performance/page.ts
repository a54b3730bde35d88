// docs/performance.md, in words and tables, from the runs.

import { printGrowth } from "../growth/growth.js";
import { printCapacity } from "../capacity/capacity.js";
import type { Origin } from "../load/figures-file.js";
import { printReport } from "../load/print.js";
import { printHeap } from "../micro/heap.js";
import { printEventCounts } from "../micro/machine-events.js";
import { printScrape } from "../micro/metrics.js";
import { printComparison } from "../micro/rounds.js";
import { printRecovery } from "../recovery/recovery.js";
import { printSoak } from "../soak/growth.js";
import { barsOf } from "./bars.js";
import type { LoadRun, MicroRun, Runs, SoakRun } from "./runs.js";

const HEAD = `# Performance

What the bridge costs and how much it can carry, each figure with the command that measures it anew. Absolute figures move with the
machine; what holds are the ratios and differences to the control in the same run. [measuring.md](measuring.md) tells what each
figure means and when a run counts. This page is generated from the runs in \`bench/runs\` by \`npm run performance:write\`.
`;

export function performancePage(runs: Runs): string {
  return [
    HEAD,
    bars(runs),
    ...[...runs.load].map(([name, run]) => load(name, run)),
    ...[...runs.capacities].map(([name, run]) => section(name, run, printCapacity(run))),
    micro(runs.micro),
    ...[...runs.growths].map(([name, run]) => section(name, run, printGrowth(run))),
    ...[...runs.recoveries].map(([name, run]) => section(name, run, printRecovery(run))),
    ...[...runs.soaks].map(([name, run]) => soak(name, run)),
  ]
    .filter((section) => section !== "")
    .join("\n");
}

function bars(runs: Runs): string {
  const verdicts = { true: "yes", false: "**no**", undefined: "–" } as const;
  const rows = barsOf(runs).map(
    ({ what, bound, measured, isMet, run }) =>
      `| ${what} | ${bound} | ${measured} | ${verdicts[`${isMet}`]} | ${run} |`,
  );
  return `## The bars

| what | at most | measured | met | run |
| --- | ---: | ---: | --- | --- |
${rows.join("\n")}
`;
}

function load(name: string, run: LoadRun): string {
  const { machine, startedAt, command, verdict } = run;
  return section(name, { command, machine, at: startedAt }, printReport(run, verdict));
}

function micro(run: MicroRun | undefined): string {
  if (!run) return "";
  const { downlink, uplink, pacer, machines, supervisor, heap, metrics, scrape } = run.figures;
  const comparisons = [downlink, uplink, pacer, supervisor, metrics].flatMap((each) => each ?? []);
  const texts = [
    ...comparisons.map(printComparison),
    ...(machines ? [printEventCounts(machines)] : []),
    ...(heap ? [printHeap(heap)] : []),
    ...(scrape ? [printScrape(scrape)] : []),
  ];
  return `## The hot path, part by part

\`npm run bench:micro -- --rounds ${run.rounds}\`; Node ${run.machine.node}, ${run.machine.at.slice(0, 10)}.

\`\`\`text
${texts.join("\n\n")}
\`\`\`
`;
}

function soak(name: string, run: SoakRun): string {
  const { minutes, warmUpMinutes, users, engine } = run.settings;
  const onEngine = engine === undefined ? "" : ` --set LIVEKIT_ENGINE=${engine}`;
  const command = `npm run soak -- --minutes ${minutes} --warm-up ${warmUpMinutes} --users ${users}${onEngine}`;
  return section(name, { ...run, command }, printSoak(run.growth, run.done, run.leftover));
}

/** A run as its bench printed it, below the command that measures it anew. */
function section(name: string, { command, machine, at }: Origin & { readonly command: string }, text: string): string {
  const origin = `\`${command}\`; ${machine.cores} cores (${machine.cpu.trim()}), Node ${machine.node}, ${at.slice(0, 10)}.`;
  return `## ${name}

${origin}

\`\`\`text
${text}
\`\`\`
`;
}
