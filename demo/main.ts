// `npm run demo`: the bridge's main job, live in a terminal, judged at the end. Everything is real but, unless asked for,
// LiveKit: a gRPC port on loopback, a cloud that speaks the wire, supervised sessions.

import { systemClock } from "../src/time.js";
import { VERSION } from "../src/version.js";
import { within } from "../src/within.js";
import { startBridge } from "./bridge-host.js";
import { Closers } from "./closers.js";
import { openEmbeddedRooms } from "./embedded-rooms.js";
import { HELP, readOptions, UsageError } from "./options.js";
import type { DemoOptions } from "./options.js";
import type { Rooms } from "./rooms.js";
import { Scene } from "./scene.js";
import { createScreen, createSilentScreen } from "./screen.js";
import type { Screen } from "./screen.js";
import { watchSessions } from "./session-watch.js";
import { runTour } from "./tour.js";
import { verdictLines, Verdicts } from "./verdicts.js";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** What leaving may take; after that the process ends anyhow. */
const CLOSE_TIMEOUT_MS = 4000;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  const screen = options.isJson ? createSilentScreen() : createScreen(process.stdout, process.env);
  const closers = new Closers();
  closers.add(() => screen.close());
  leaveOnSignal(screen, closers);
  try {
    return await show(options, screen, closers);
  } finally {
    await within(systemClock, CLOSE_TIMEOUT_MS, closers.close());
  }
}

async function show(options: DemoOptions, screen: Screen, closers: Closers): Promise<number> {
  const { paint } = screen;
  const startMs = performance.now();
  const rooms = options.isReal ? await openRealRooms() : openEmbeddedRooms();
  closers.add(() => rooms.close());
  const host = await startBridge(rooms);
  closers.add(() => host.stop());

  screen.line(`${paint.bold("LiveKit gRPC bridge")} ${VERSION}, on ${rooms.description}`);
  screen.line(paint.dim(`gRPC 127.0.0.1:${host.port}, log ${host.logFile}`));
  const closeLater = (close: () => void | Promise<void>) => closers.add(close);
  const scene = new Scene({ rooms, host, screen, streamingMs: options.streamingMs, closeLater });
  const tellState = (generation: number, text: string) => scene.tell(paint.dim(`session ${generation}  ${text}`));
  closers.add(watchSessions(host.bridge.supervisor, tellState));

  const verdicts = new Verdicts();
  await runTour(scene, verdicts);
  screen.settle();
  const tookS = Number(((performance.now() - startMs) / 1000).toFixed(1));
  const isOk = verdicts.areAllOk;
  if (options.isJson) {
    const summary = { ok: isOk, engine: rooms.engineName, seconds: tookS, log: host.logFile, checks: verdicts.all };
    process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
  }
  screen.line();
  screen.line(paint.bold("Summary"));
  for (const line of verdictLines(verdicts, paint)) screen.line(line);
  screen.line();
  const failed = verdicts.all.filter((verdict) => !verdict.isOk).length;
  const result = isOk ? paint.good("every check held") : paint.bad(`${failed} of ${verdicts.all.length} checks failed`);
  screen.line(`${result}, in ${tookS} s`);
  return isOk ? 0 : EXIT_FAILED;
}

/** Loaded on demand: where there is no native library for this machine, the embedded rooms must still do. */
async function openRealRooms(): Promise<Rooms> {
  const { openLivekitRooms } = await import("./livekit-rooms.js");
  return openLivekitRooms(process.env);
}

/** Leaves the rooms first. A second signal does not wait for that. */
function leaveOnSignal(screen: Screen, closers: Closers): void {
  let isLeaving = false;
  const leave = async (exitCode: number) => {
    if (isLeaving) process.exit(exitCode);
    isLeaving = true;
    screen.close();
    await within(systemClock, CLOSE_TIMEOUT_MS, closers.close());
    process.exit(exitCode);
  };
  for (const [signal, exitCode] of Object.entries(EXIT_OF_SIGNAL)) process.on(signal, () => void leave(exitCode));
  // Whoever read the output has gone, as `head` does.
  process.stdout.on("error", () => void leave(EXIT_FAILED));
}

main().then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  },
);
