// `npm run soak`: a bridge under a load that never ends, with users who come and go, playbacks, and faults, looked at again
// and again: does anything grow? docs/measuring.md tells what the figures mean.

import { freePort } from "../../test/support/free-port.js";
import { startTcpProxy } from "../../test/support/tcp-proxy.js";
import { writeFigures } from "../load/figures-file.js";
import { Cleanup, startStage } from "../load/stage.js";
import { UsageError } from "../load/options.js";
import { openHeapProbe } from "./heap-probe.js";
import { parseSoakOptions, USAGE } from "./options.js";
import { growthOf, HEAP_MAX_MB_PER_HOUR, printSoak } from "./growth.js";
import { Looks } from "./looks.js";
import { Wear } from "./wear.js";

async function main(): Promise<number> {
  const inspectorPort = await freePort();
  const options = parseSoakOptions(process.argv.slice(2), inspectorPort);
  if (!options) {
    console.log(USAGE);
    return 0;
  }
  const cleanup = new Cleanup();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => void cleanup.run().finally(() => process.exit(1)));
  }
  try {
    const stage = await startStage(options.load, cleanup);
    const heap = await openHeapProbe(inspectorPort);
    cleanup.add(() => heap.close());
    const proxy = await startTcpProxy(stage.bridge.address);
    cleanup.add(() => proxy.close());
    const wear = new Wear(stage, proxy);
    await wear.begin();
    console.log(
      `${options.load.users} users; ${options.warmUpMinutes} min of warm-up, ${options.minutes} min measured`,
    );
    await wear.during(options.warmUpMinutes * 60);
    wear.forget();
    const looks = new Looks(stage, heap, (line) => console.log(line));
    const watching = looks.every(options.sampleEverySeconds);
    await wear.during(options.minutes * 60);
    await watching.stop();
    const done = wear.done;
    const leftover = await wear.end();
    const growth = growthOf(looks.taken);
    console.log(`\n${printSoak(growth, done, leftover)}`);
    if (options.jsonFile !== undefined) {
      const { minutes, warmUpMinutes, load } = options;
      const engine = load.bridgeEnv["LIVEKIT_ENGINE"];
      const settings = { minutes, warmUpMinutes, users: load.users, ...(engine === undefined ? {} : { engine }) };
      writeFigures(options.jsonFile, { settings, growth, done, leftover, looks: looks.taken });
    }
    const { lowerPerHour, upperPerHour } = growth.heapMb;
    const isSteady = (options.decidingBound === "upper" ? upperPerHour : lowerPerHour) <= HEAP_MAX_MB_PER_HOUR;
    return isSteady && leftover.length === 0 && done.failures.length === 0 ? 0 : 1;
  } finally {
    await cleanup.run();
  }
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
