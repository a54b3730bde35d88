// `npm run bench:growth`: what one join and leave leaves behind in the bridge's process, beside the control: as many joins and
// leaves by the engine alone, in a process of its own.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startBridgeProcess } from "../../test/support/bridge-process.js";
import { setup as build } from "../../test/support/built.js";
import { startLiveKitServer } from "../../test/support/livekit-server.js";
import { createTestClient } from "../../test/support/old-client.js";
import { writeFigures } from "../load/figures-file.js";
import { stockOf } from "../load/proc.js";
import { growthPerCycle, printGrowth, type GrowthRun } from "./growth.js";

const BLOCKS = 10;
const ENGINES = ["rtc-node", "datachannel"];
const USAGE = `npm run bench:growth -- [--engine rtc-node|datachannel] [--cycles 1000] [--warm-up 200] [--json FILE]`;

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "rtc-node" },
    cycles: { type: "string", default: "1000" },
    "warm-up": { type: "string", default: "200" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const { engine } = values;
const perBlock = Math.ceil(Number(values.cycles) / BLOCKS);
const warmUp = Number(values["warm-up"]);
if (values.help || !ENGINES.includes(engine) || !(perBlock >= 1) || !(warmUp >= 0)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

/** Resident KB after each block. */
async function measure(pid: number, cycle: () => Promise<void>): Promise<number[]> {
  for (let i = 0; i < warmUp; i += 1) await cycle();
  const residentKb = [stockOf(pid).residentMb * 1024];
  for (let block = 0; block < BLOCKS; block += 1) {
    for (let i = 0; i < perBlock; i += 1) await cycle();
    residentKb.push(stockOf(pid).residentMb * 1024);
  }
  return residentKb;
}

build();
const server = await startLiveKitServer();
const token = (user: string) =>
  server.token(`cloud-agent:${user}`, user, { canPublish: true, canSubscribe: true, canPublishData: true });

async function ofBridge(): Promise<number[]> {
  const bridge = await startBridgeProcess({ LIVEKIT_URL: server.url, LOG_LEVEL: "info", LIVEKIT_ENGINE: engine });
  const client = createTestClient(bridge.address);
  const names = { user_id: "growth", room_name: "growth", target_identity: "growth" };
  const residentKb = await measure(bridge.pid, async () => {
    const joined = await client.join({ ...names, token: await token("growth"), livekit_url: "" });
    if (!joined.success) throw new Error(joined.error);
    const stream = client.stream("growth");
    await stream.metadata;
    await client.leave("growth");
  });
  client.close();
  await bridge.stop();
  return residentKb;
}

async function ofEngine(): Promise<number[]> {
  const program = fileURLToPath(new URL("bare-engine.ts", import.meta.url));
  const bare = fork(program, [engine, server.url], { execArgv: ["--import", "tsx"] });
  const died = once(bare, "exit").then(([code]) => {
    throw new Error(`the engine's process ended: ${String(code)}`);
  });
  died.catch(() => undefined);
  const residentKb = await measure(bare.pid ?? 0, async () => {
    const done = Promise.race([once(bare, "message"), died]);
    bare.send(await token("bare"));
    await done;
  });
  bare.kill();
  return residentKb;
}

const run: GrowthRun = {
  engine,
  cycles: perBlock * BLOCKS,
  warmUp,
  bridgeKb: growthPerCycle(await ofBridge(), perBlock),
  bareKb: growthPerCycle(await ofEngine(), perBlock),
};
await server.stop();
console.log(printGrowth(run));
if (values.json !== undefined) {
  const command = `npm run bench:growth -- --engine ${engine} --cycles ${run.cycles} --warm-up ${warmUp}`;
  writeFigures(values.json, { command, ...run });
}
process.exit(0);
