// `npm run bench`: load on a bridge, with a control beside it. docs/measuring.md tells what each figure means.
//
// Exit codes: 0 measured, 1 failed, 2 wrong arguments, 3 measured and judged invalid, 130 and 143 ended by a signal.

import { writeFileSync } from "node:fs";
import { thisMachine } from "./figures-file.js";
import { judge } from "./judge.js";
import { runChurn, runReplace } from "./modes/cycles.js";
import { runIdle } from "./modes/idle.js";
import { runMic } from "./modes/mic.js";
import { runMixed } from "./modes/mixed.js";
import { runPlay } from "./modes/play.js";
import { runUplink } from "./modes/uplink.js";
import type { LoadOptions, Mode } from "./options.js";
import { parseOptions, USAGE, UsageError } from "./options.js";
import { printReport } from "./print.js";
import type { Report } from "./report.js";
import type { Stage } from "./stage.js";
import { Cleanup, startStage } from "./stage.js";

const RUN: Readonly<Record<Mode, (stage: Stage) => Promise<Report>>> = {
  mic: runMic,
  idle: runIdle,
  churn: runChurn,
  replace: runReplace,
  uplink: runUplink,
  play: runPlay,
  mixed: runMixed,
};

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (!options) {
    console.log(USAGE);
    return 0;
  }
  const cleanup = new Cleanup();
  endOnSignals(cleanup);
  try {
    const stage = await startStage(options, cleanup);
    const startedAt = new Date().toISOString();
    const { version } = await stage.bridge.health.read();
    const machine = thisMachine();
    console.log(titleOf(options, stage, machine));
    const report = await RUN[options.mode](stage);
    const verdict = judge(report, stage.cores, options.bounds);
    console.log(`\n${printReport(report, verdict)}`);
    const { jsonFile, ...settings } = { ...options, cores: stage.cores };
    if (jsonFile !== undefined) {
      const command = commandOf(process.argv.slice(2));
      const all = {
        mode: options.mode,
        command,
        startedAt,
        machine,
        bridgeVersion: version,
        settings,
        verdict,
        ...report,
      };
      writeFileSync(jsonFile, `${JSON.stringify(all, undefined, 2)}\n`);
    }
    return verdict.isValid ? 0 : 3;
  } finally {
    await cleanup.run();
  }
}

/** To be repeated by whoever reads the figures. */
function commandOf(args: readonly string[]): string {
  const json = args.indexOf("--json");
  const shown = json < 0 ? args : args.toSpliced(json, 2);
  return `npm run bench -- ${shown.join(" ")}`;
}

function endOnSignals(cleanup: Cleanup): void {
  for (const [signal, exitCode] of Object.entries(SIGNAL_EXIT_CODES)) {
    process.on(signal, () => void cleanup.run().finally(() => process.exit(exitCode)));
  }
}

function titleOf(
  options: LoadOptions,
  { cores }: Stage,
  machine: { cores: number; cpu: string; node: string },
): string {
  const { mode, users, packetsPerSecond, packetBytes, isReliable, seconds, warmUpSeconds } = options;
  const packets = `${packetsPerSecond} packets/s of ${packetBytes} B, ${isReliable ? "reliable" : "lossy"}`;
  const pinned = cores.isPinned
    ? `bridge on core ${cores.bridge.join()}, load on ${cores.load.join()}`
    : "nothing pinned";
  return [
    `${mode}: ${users} users, ${packets}, ${seconds} s after ${warmUpSeconds} s of warm-up`,
    `${machine.cores} cores (${machine.cpu.trim()}), Node ${machine.node}; ${pinned}`,
  ].join("\n");
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    console.error(isUsage ? `${error.message}\n\nnpm run bench -- --help shows all options` : error);
    process.exit(isUsage ? 2 : 1);
  },
);
