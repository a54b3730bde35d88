// What plays and cancelled plays leave behind in the bridge's process, on rtc-node and a real livekit-server.
// `npm run bench:play-growth -- --plays 500`: so many plays and so many cancelled ones, each with a request id of its own.

import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { status } from "@grpc/grpc-js";
import { startAudioServer } from "../test/support/audio-server.js";
import { startBridgeProcess } from "../test/support/bridge-process.js";
import { setup as build } from "../test/support/built.js";
import { startLiveKitServer } from "../test/support/livekit-server.js";
import { createTestClient } from "../test/support/old-client.js";
import { tone } from "../test/support/tone.js";
import { wavOf } from "../test/support/wav.js";

const BLOCKS = 5;
const CLIP_MS = 60;
const USER = "growth";

const { values } = parseArgs({ options: { plays: { type: "string", default: "500" } } });
const perBlock = Math.max(1, Math.round(Number(values.plays) / BLOCKS));

interface Stock {
  readonly residentKb: number;
  readonly threads: number;
  readonly files: number;
}

function takeStock(pid: number): Stock {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    residentKb: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0),
    threads: readdirSync(`/proc/${pid}/task`).length,
    files: readdirSync(`/proc/${pid}/fd`).length,
  };
}

build();
const server = await startLiveKitServer();
const web = await startAudioServer();
const clip = web.add("/clip.wav", wavOf(tone({ frequencyHz: 440, durationMs: CLIP_MS, sampleRateHz: 48_000 }), 48_000));
const endless = web.add(
  "/long.wav",
  wavOf(tone({ frequencyHz: 440, durationMs: 20_000, sampleRateHz: 48_000 }), 48_000),
);
const bridge = await startBridgeProcess({
  LIVEKIT_URL: server.url,
  LOG_LEVEL: "info",
  BRIDGE_AUDIO_ALLOWED: "127.0.0.1/32",
});
const client = createTestClient(bridge.address);
const grants = { canPublish: true, canSubscribe: true, canPublishData: true };
const token = await server.token(`cloud-agent:${USER}`, USER, grants);
await client.join({ user_id: USER, room_name: USER, target_identity: USER, token, livekit_url: "" });
await client.stream(USER).metadata;

async function play(): Promise<void> {
  const { code } = await client.play(USER, clip).ended;
  if (code !== status.OK) throw new Error(`a play ended with status ${code}`);
}

async function cancel(): Promise<void> {
  const playback = client.play(USER, endless);
  await new Promise((resolve) => playback.call.once("data", resolve));
  playback.call.cancel();
  await playback.ended;
}

for (let i = 0; i < 20; i += 1) await play().then(cancel);
const rows = [takeStock(bridge.pid)];
for (let block = 0; block < BLOCKS; block += 1) {
  for (let i = 0; i < perBlock; i += 1) await play();
  for (let i = 0; i < perBlock; i += 1) await cancel();
  rows.push(takeStock(bridge.pid));
}
process.stdout.write(
  `${perBlock * BLOCKS} plays of ${CLIP_MS} ms and as many cancelled, after 20 of each to warm up\n`,
);
for (const [index, { residentKb, threads, files }] of rows.entries()) {
  const after = `after ${2 * perBlock * index}`.padStart(12);
  process.stdout.write(
    `${after}  ${(residentKb / 1024).toFixed(1).padStart(7)} MB  ${threads} threads  ${files} files\n`,
  );
}
client.close();
await bridge.stop();
await web.close();
await server.stop();
process.exit(0);
