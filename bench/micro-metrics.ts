// What metrics add to a packet on its way from the room to the wire, as a ratio in one run: without, without once more as the
// control, and with. Then what a scrape of a full bridge costs. `npm run bench:metrics -- --packets 50000 --rounds 60`.

import { parseArgs } from "node:util";
import { DownlinkMeter } from "../src/audio/downlink-meter.js";
import type { MediaLimits } from "../src/audio/session-media.js";
import { SessionMedia } from "../src/audio/session-media.js";
import { loadBridgeDefinition } from "../src/grpc/definition.js";
import { countService } from "../src/grpc/rpc-stats.js";
import { systemClock } from "../src/time.js";
import type { BridgeHarness } from "../test/support/embedded-bridge.js";
import { startEmbeddedBridge } from "../test/support/embedded-bridge.js";

const { values } = parseArgs({
  options: {
    packets: { type: "string", default: "50000" },
    rounds: { type: "string", default: "60" },
    sessions: { type: "string", default: "200" },
    scrapes: { type: "string", default: "50" },
  },
});
const packets = Number(values.packets);
const rounds = Number(values.rounds);
const sessions = Number(values.sessions);
const scrapes = Number(values.scrapes);

const PACKET_BYTES = 640;
const LIMITS: MediaLimits = {
  downlinkQueue: { packetsMax: 200, bytesMax: 262_144 },
  keptMaxMs: 1000,
  uplinkQueueMaxMs: 10_000,
  tracksMax: 16,
  trackRetryAfterMs: 5000,
  trackFormat: { sampleRateHz: 48_000, channels: 1 },
};

/** A session's data plane whose sink serializes each chunk as the wire does and takes it at once. */
function createPath(isMetered: boolean): (packet: Uint8Array) => void {
  const { service } = loadBridgeDefinition().client;
  const { StreamAudio: method } = isMetered ? countService(service, {}, systemClock).service : service;
  if (!method) throw new Error("the service has no StreamAudio");
  const media = new SessionMedia({
    targetIdentity: "alice",
    limits: LIMITS,
    createResampler: () => {
      throw new Error("nothing is played here");
    },
    now: () => systemClock.now(),
    observer: { overflowed() {}, packets() {}, publishFailed() {} },
    fault: (error) => {
      throw error;
    },
    ...(isMetered ? { meter: new DownlinkMeter() } : {}),
  });
  const write = (pcm_data: Uint8Array, taken: () => void) => {
    method.responseSerialize({
      pcm_data,
      sample_rate: 16_000,
      channels: 1,
      timestamp_ms: systemClock.wallNow(),
      user_id: "",
      track_id: 0,
    });
    taken();
  };
  media.attach({ write }, () => {});
  return (payload) => media.packet({ payload, senderIdentity: "alice", topic: undefined, isReliable: true });
}

/** Nanoseconds of CPU time for each packet. */
function measure(path: (packet: Uint8Array) => void): number {
  const packet = new Uint8Array(PACKET_BYTES);
  const before = process.cpuUsage();
  for (let i = 0; i < packets; i += 1) path(packet);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / packets;
}

interface Variant {
  readonly name: string;
  readonly run: () => number | Promise<number>;
  readonly costsNs: number[];
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

async function compare(what: string, roundCount: number, make: (isMetered: boolean) => Promise<Variant["run"]>) {
  const variants: Variant[] = [
    { name: "without metrics", run: await make(false), costsNs: [] },
    { name: "control: without, again", run: await make(false), costsNs: [] },
    { name: "with metrics", run: await make(true), costsNs: [] },
  ];
  for (const { run } of variants) await run();
  for (let round = 0; round < roundCount; round += 1) {
    // Each in every place, so that a machine that slows down slows all of them.
    for (let i = 0; i < variants.length; i += 1) {
      const variant = variants[(round + i) % variants.length];
      if (variant) variant.costsNs.push(await variant.run());
    }
  }
  const base = variants[0]?.costsNs ?? [];
  process.stdout.write(`${what}, ${roundCount} rounds, CPU time\n`);
  for (const { name, costsNs } of variants) {
    // Round by round: what else the machine does then is in both.
    const ratio = median(costsNs.map((ns, round) => ns / (base[round] ?? ns))).toFixed(3);
    const ns = median(costsNs).toFixed(0).padStart(7);
    process.stdout.write(
      `  ${name.padEnd(26)}${ns} ns per packet  ratio ${ratio}  least ${Math.min(...costsNs).toFixed(0)} ns\n`,
    );
  }
}

const WHOLE_PACKETS = 2000;
/** Far below what a queue holds. */
const WHOLE_BURST = 50;
const opened: BridgeHarness[] = [];

/** A whole bridge, phone and client in this process: the share of metrics in what a packet really costs. */
async function createWholePath(isMetered: boolean): Promise<() => Promise<number>> {
  const env = { LOG_LEVEL: "silent", ...(isMetered ? { BRIDGE_METRICS_PORT: "0" } : {}) };
  const harness = await startEmbeddedBridge({ env });
  opened.push(harness);
  const phone = await harness.rooms.join({ identity: "alice", room: "alice" });
  await harness.client.join(await harness.params("alice"));
  const stream = harness.client.stream("alice");
  await stream.metadata;
  const packet = new Uint8Array(PACKET_BYTES);
  return async () => {
    const before = process.cpuUsage();
    for (let sent = 0; sent < WHOLE_PACKETS; sent += WHOLE_BURST) {
      stream.chunks.length = 0;
      for (let i = 0; i < WHOLE_BURST; i += 1) await phone.publishData(packet);
      while (stream.chunks.length < WHOLE_BURST) await new Promise(setImmediate);
    }
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1000) / WHOLE_PACKETS;
  };
}

await compare(
  `${packets} packets of ${PACKET_BYTES} bytes from the room to a serialized chunk`,
  rounds,
  async (isMetered) => {
    const path = createPath(isMetered);
    return () => measure(path);
  },
);
await compare(`${WHOLE_PACKETS} packets through a bridge, phone and client included`, 20, createWholePath);
for (const harness of opened) await harness.stop();

const harness = await startEmbeddedBridge({
  env: { BRIDGE_METRICS_PORT: "0", LOG_LEVEL: "silent", BRIDGE_SESSIONS_MAX: String(sessions + 1) },
});
for (let i = 0; i < sessions; i += 1) {
  await harness.client.join(await harness.params(`user-${i}`));
  await harness.client.stream(`user-${i}`).metadata;
}
const url = `http://127.0.0.1:${harness.bridge.metricsPort}/metrics`;
let bytes = 0;
const tookMs: number[] = [];
for (let i = 0; i < scrapes; i += 1) {
  const startMs = performance.now();
  bytes = (await (await fetch(url)).text()).length;
  tookMs.push(performance.now() - startMs);
}
process.stdout.write(
  `a scrape with ${sessions} sessions     ${median(tookMs).toFixed(1)} ms median, ${Math.max(...tookMs).toFixed(1)} ms at most, ${bytes} bytes, client included\n`,
);
await harness.stop();
process.exit(0);
