// What one join and leave leaves behind in the bridge's process, beside the control: the same number of joins and leaves
// by the bare engine, in a process of its own. `npm run bench:growth -- --cycles 450`.

import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setup as build } from "../test/support/built.js";
import { startBridgeProcess } from "../test/support/bridge-process.js";
import { startLiveKitServer } from "../test/support/livekit-server.js";
import { createTestClient } from "../test/support/old-client.js";

const BLOCKS = 3;
const WARM_UP = 200;

const { values } = parseArgs({ options: { cycles: { type: "string", default: "450" } } });
const perBlock = Math.max(1, Math.round(Number(values.cycles) / BLOCKS));

/** Resident memory of a process, in KB. */
function residentKb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0);
}

async function measure(pid: number, cycle: (index: number) => Promise<void>): Promise<number[]> {
  for (let i = 0; i < WARM_UP; i += 1) await cycle(i);
  const growth: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const before = residentKb(pid);
    for (let i = 0; i < perBlock; i += 1) await cycle(i);
    growth.push((residentKb(pid) - before) / perBlock);
  }
  return growth;
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const show = (numbers: readonly number[]) => numbers.map((value) => value.toFixed(0)).join(", ");

build();
const server = await startLiveKitServer();
const token = (user: string) =>
  server.token(`cloud-agent:${user}`, user, { canPublish: true, canSubscribe: true, canPublishData: true });

const bridge = await startBridgeProcess({ LIVEKIT_URL: server.url, LOG_LEVEL: "info" });
const client = createTestClient(bridge.address);
const ofBridge = await measure(bridge.pid, async () => {
  const names = { user_id: "growth", room_name: "growth", target_identity: "growth" };
  const joined = await client.join({ ...names, token: await token("growth"), livekit_url: "" });
  if (!joined.success) throw new Error(joined.error);
  const stream = client.stream("growth");
  await stream.metadata;
  await client.leave("growth");
});
client.close();
await bridge.stop();

const engine = fork(fileURLToPath(new URL("bare-engine.ts", import.meta.url)), [server.url], {
  execArgv: ["--import", "tsx"],
});
const ofEngine = await measure(engine.pid ?? 0, async () => {
  const done = new Promise((resolve) => engine.once("message", resolve));
  engine.send(await token("bare"));
  await done;
});
engine.kill();
await server.stop();

process.stdout.write(`joins and leaves: ${perBlock * BLOCKS} each, in ${BLOCKS} blocks, after ${WARM_UP} to warm up
bridge (gRPC, session, stream, rtc-node)  ${mean(ofBridge).toFixed(0).padStart(6)} KB per join   blocks: ${show(ofBridge)}
control: the bare rtc-node engine         ${mean(ofEngine).toFixed(0).padStart(6)} KB per join   blocks: ${show(ofEngine)}
added by the bridge                       ${(mean(ofBridge) - mean(ofEngine)).toFixed(0).padStart(6)} KB per join
`);
process.exit(0);
