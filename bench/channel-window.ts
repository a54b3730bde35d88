// How many users' microphones one HTTP/2 connection carries over a distance, and so how many the client puts on one:
// `npm run bench:channel`. Users on a single connection hear a stand-in bridge through a wire that delays 20 ms each way; the
// control is the same without the delay.

import { setTimeout as sleep } from "node:timers/promises";
import { createBridgeClient } from "../src/client/create-bridge-client.js";
import type { BridgeClient } from "../src/client/bridge-client.js";
import { createChannelPool } from "../src/client/wire/channel-pool.js";
import { startStandIn } from "../test/client/stand-in/stand-in.js";
import type { StandIn } from "../test/client/stand-in/stand-in.js";
import { startDelayedWire } from "./delayed-wire.js";

const ONE_WAY_MS = 20;
const CHUNK_BYTES = 640;
const CHUNK_EVERY_MS = 20;
const SECONDS = 8;
const USERS = [10, 25, 40, 60, 80];

interface Outcome {
  /** Of the bytes that were spoken in the time, how many arrived in it. */
  readonly arrived: number;
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
}

async function main(): Promise<void> {
  const bridge = await startStandIn({ kind: "new" });
  const wire = await startDelayedWire(bridge.address, ONE_WAY_MS);
  console.log(`users on one connection, ${CHUNK_BYTES} B each ${CHUNK_EVERY_MS} ms, ${SECONDS} s each`);
  console.log("users | 40 ms round trip: arrived, delay p50/p99 ms | control, 0 ms: arrived, delay p50/p99 ms");
  for (const users of USERS) {
    const far = await run(bridge, wire.address, users);
    const near = await run(bridge, bridge.address, users);
    console.log([String(users).padStart(5), text(far), text(near)].join(" | "));
  }
  wire.close();
  await bridge.stop();
}

async function run(bridge: StandIn, address: string, count: number): Promise<Outcome> {
  const channels = createChannelPool({ sessionsPerChannelMax: 1000 });
  const users = Array.from({ length: count }, (_, index) => `user-${index}`);
  const delaysMs: number[] = [];
  const clients = await Promise.all(users.map((userId) => listen(userId, address, channels, delaysMs)));
  const chunks = Array.from({ length: (SECONDS * 1000) / CHUNK_EVERY_MS }, () => CHUNK_BYTES);
  delaysMs.length = 0;
  const sending = users.map((userId) =>
    bridge.send(userId, chunks, { everyMs: CHUNK_EVERY_MS }).catch(() => undefined),
  );
  await sleep(SECONDS * 1000 + 500);
  const arrived = delaysMs.length / (count * chunks.length);
  const sorted = delaysMs.toSorted((a, b) => a - b);
  await Promise.all(clients.map((client) => client.dispose()));
  await Promise.all(sending);
  return { arrived, delayP50Ms: at(sorted, 0.5), delayP99Ms: at(sorted, 0.99) };
}

async function listen(
  userId: string,
  address: string,
  channels: ReturnType<typeof createChannelPool>,
  delaysMs: number[],
): Promise<BridgeClient> {
  const join = () => ({ url: "", roomName: userId, token: "token" });
  const client = createBridgeClient({ userId, address, channels, join });
  client.on("audio", ({ timestampMs }) => delaysMs.push(Date.now() - timestampMs));
  await client.connect();
  return client;
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function text({ arrived, delayP50Ms, delayP99Ms }: Outcome): string {
  return `${(arrived * 100).toFixed(1)} %, ${delayP50Ms}/${delayP99Ms}`;
}

await main();
