// What metrics add to a packet on its way from the room to the wire, and what a scrape of a full bridge costs.

import { DownlinkMeter } from "../../src/audio/downlink-meter.js";
import { loadBridgeDefinition } from "../../src/grpc/definition.js";
import { countService } from "../../src/grpc/rpc-stats.js";
import { systemClock } from "../../src/time.js";
import type { BridgeHarness } from "../../test/support/embedded-bridge.js";
import { startEmbeddedBridge } from "../../test/support/embedded-bridge.js";
import { chunk, createMedia } from "./media.js";
import type { Comparison, ComparisonOptions } from "./rounds.js";
import { compare, cpuNsPerUnit, median } from "./rounds.js";

const PACKETS = 50_000;
const PACKET_BYTES = 640;

/** A session's data plane whose sink serializes each chunk as the wire does and takes it at once. */
function createPath(isMetered: boolean): (packet: Uint8Array) => void {
  const { service } = loadBridgeDefinition().client;
  const { StreamAudio: method } = isMetered ? countService(service, {}, systemClock).service : service;
  if (!method) throw new Error("the service has no StreamAudio");
  const media = createMedia(isMetered ? { meter: new DownlinkMeter() } : {});
  const write = (pcm: Uint8Array, taken: () => void) => {
    method.responseSerialize(chunk(pcm));
    taken();
  };
  media.attach({ write }, () => {});
  return (payload) => media.packet({ payload, senderIdentity: "alice", topic: undefined, isReliable: true });
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
  return () =>
    cpuNsPerUnit(WHOLE_PACKETS, async () => {
      for (let sent = 0; sent < WHOLE_PACKETS; sent += WHOLE_BURST) {
        stream.chunks.length = 0;
        for (let i = 0; i < WHOLE_BURST; i += 1) await phone.publishData(packet);
        while (stream.chunks.length < WHOLE_BURST) await new Promise(setImmediate);
      }
    });
}

async function withAndWithout(
  options: ComparisonOptions,
  make: (isMetered: boolean) => Promise<() => Promise<number>>,
) {
  return compare(options, [
    { name: "without metrics", run: await make(false) },
    { name: "control: without, again", run: await make(false) },
    { name: "with metrics", run: await make(true) },
  ]);
}

export async function metrics(rounds: number): Promise<Comparison[]> {
  const title = `${PACKET_BYTES} bytes from the room to a serialized chunk`;
  const path = await withAndWithout({ title, unit: "packet", rounds }, async (isMetered) => {
    const pass = createPath(isMetered);
    const packet = new Uint8Array(PACKET_BYTES);
    return () =>
      cpuNsPerUnit(PACKETS, () => {
        for (let i = 0; i < PACKETS; i += 1) pass(packet);
      });
  });
  const wholeTitle = `${PACKET_BYTES} bytes through a bridge, phone and client included`;
  const whole = await withAndWithout({ title: wholeTitle, unit: "packet", rounds }, createWholePath);
  for (const harness of opened.splice(0)) await harness.stop();
  return [path, whole];
}

const SESSIONS = 200;
const SCRAPES = 50;

export interface ScrapeFigures {
  readonly sessions: number;
  readonly medianMs: number;
  readonly maxMs: number;
  readonly bytes: number;
}

export async function scrape(): Promise<ScrapeFigures> {
  const harness = await startEmbeddedBridge({
    env: { BRIDGE_METRICS_PORT: "0", LOG_LEVEL: "silent", BRIDGE_SESSIONS_MAX: String(SESSIONS + 1) },
  });
  for (let i = 0; i < SESSIONS; i += 1) {
    await harness.client.join(await harness.params(`user-${i}`));
    await harness.client.stream(`user-${i}`).metadata;
  }
  const url = `http://127.0.0.1:${harness.bridge.metricsPort}/metrics`;
  let bytes = 0;
  const tookMs: number[] = [];
  for (let i = 0; i < SCRAPES; i += 1) {
    const startMs = performance.now();
    bytes = (await (await fetch(url)).text()).length;
    tookMs.push(performance.now() - startMs);
  }
  await harness.stop();
  return { sessions: SESSIONS, medianMs: median(tookMs), maxMs: Math.max(...tookMs), bytes };
}

export function printScrape({ sessions, medianMs, maxMs, bytes }: ScrapeFigures): string {
  return [
    `a scrape of /metrics with ${sessions} sessions, its client included`,
    `  median ${medianMs.toFixed(1)} ms, at most ${maxMs.toFixed(1)} ms, ${bytes} bytes`,
  ].join("\n");
}
