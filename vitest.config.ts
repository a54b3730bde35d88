import { defineConfig } from "vitest/config";

// Five projects, one after another. `fast` needs nothing but Node. `patient` waits for real time most of the time, or runs
// the client against a stand-in: a few of its files at once disturb nobody (none of them makes a network of its own: interfaces
// that come and go disturb WebRTC everywhere). `real` starts livekit-server, native rtc-node
// and processes of its own, and runs one file at a time, so that its time limits mean something. `datachannel` is what an engine
// can break of it once more, on the other engine; `npm run test:datachannel` runs everything there. `scenarios` has cloud, bridge,
// livekit-server and phone as processes on networks of their own, which are killed and cut; one file at a time as well, since
// each fills the machine with processes. It wants root, iproute2, nftables, coturn and openssl.
const REAL = "test/**/*.real.test.ts";
const PATIENT = [
  "test/client/**/*.real.test.ts",
  "test/faults/thirty-seconds.test.ts",
  "test/conformance/rtc-node.real.test.ts",
  "test/conformance/datachannel.real.test.ts",
];
/** What an engine can break. Files, formats and scenarios once more on this engine are for `npm run test:datachannel`. */
const ON_BOTH_ENGINES = [
  "test/integration/losing-a-bridge.test.ts",
  "test/integration/main-job.test.ts",
  "test/integration/playback-beside.test.ts",
  "test/integration/playback-stops.test.ts",
  "test/integration/playback-timing.test.ts",
  "test/integration/sessions.test.ts",
  "test/faults/livekit-outage.test.ts",
  "test/faults/rapid-reconnect.test.ts",
  "test/faults/silent-loss.test.ts",
];
const SCENARIOS = "test/integration/scenarios/**/*.test.ts";

export default defineConfig({
  test: {
    pool: "forks",
    reporters: ["default", "./test/support/reporter.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "fast",
          setupFiles: ["test/support/seed.ts"],
          include: ["test/**/*.test.ts"],
          exclude: ["test/integration/**", "test/faults/**", REAL],
          maxWorkers: 3,
          testTimeout: 20_000,
          hookTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "real",
          include: ["test/integration/**/*.test.ts", "test/faults/**/*.test.ts", REAL],
          exclude: [...PATIENT, SCENARIOS],
          fileParallelism: false,
          globalSetup: "test/support/built.ts",
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "patient",
          include: PATIENT,
          maxWorkers: 3,
          globalSetup: "test/support/built.ts",
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "datachannel",
          include: ON_BOTH_ENGINES,
          env: { LIVEKIT_ENGINE: "datachannel" },
          fileParallelism: false,
          globalSetup: "test/support/built.ts",
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: "scenarios",
          include: [SCENARIOS],
          fileParallelism: false,
          globalSetup: "test/support/built.ts",
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
