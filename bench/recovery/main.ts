// `npm run bench:recovery`: rooms of both engines lose their signal connections, and their server, at the same moments.

import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createDatachannelEngine } from "../../src/livekit/datachannel/engine.js";
import type { RoomEngine } from "../../src/livekit/room.js";
import { createRtcNodeEngine } from "../../src/livekit/rtc-node/engine.js";
import { systemClock } from "../../src/time.js";
import { startLiveKitServer } from "../../test/support/livekit-server.js";
import { QUIET } from "../../test/support/quiet.js";
import { startTcpProxy } from "../../test/support/tcp-proxy.js";
import { writeFigures } from "../load/figures-file.js";
import { printRecovery, Watch, type RecoveryRun } from "./recovery.js";

const USAGE = `npm run bench:recovery -- [--cuts 100] [--restarts 20] [--rooms 5] [--json FILE]`;
/** A room that is not whole again by then counts as lost. */
const WHOLE_MAX_MS = 60_000;
const LOOK_MS = 5;
const PAUSE_MS = 300;
/** Long enough for the waits between attempts to have grown to their longest. */
const DOWN_MS = 3000;

const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "100" },
    restarts: { type: "string", default: "20" },
    rooms: { type: "string", default: "5" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const [cuts, restarts, rooms] = [Number(values.cuts), Number(values.restarts), Number(values.rooms)];
if (values.help || !(cuts >= 1) || !(restarts >= 1) || !(rooms >= 1)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const options = { clock: systemClock, logger: QUIET };
const engines: RoomEngine[] = [await createDatachannelEngine(options), createRtcNodeEngine(options)];
const watches = engines.map((engine) => new Watch(engine));
let server = await startLiveKitServer();
const { ports } = server;
const proxy = await startTcpProxy(`127.0.0.1:${ports.http}`);

async function join(watch: Watch, room: string): Promise<void> {
  const ignore = () => {};
  const request = {
    url: `ws://${proxy.address}`,
    token: await server.token("bridge", room),
    signal: new AbortController().signal,
  };
  await watch.engine.connect(request, {
    packet: ignore,
    participantJoined: ignore,
    participantLeft: ignore,
    reconnecting: ignore,
    reconnected: () => watch.regained(),
    ended: () => watch.lost(),
  });
}

/** Until all that are not lost are whole again. */
async function allWhole(): Promise<void> {
  const limitMs = performance.now() + WHOLE_MAX_MS;
  const isWhole = (watch: Watch) => watch.regainedCount + watch.lostCount >= rooms;
  while (!watches.every(isWhole) && performance.now() < limitMs) await sleep(LOOK_MS);
  for (const watch of watches) watch.lost(Math.max(0, rooms - watch.regainedCount - watch.lostCount));
}

async function takesConnections(port: number): Promise<number> {
  for (;;) {
    const isTaken = await new Promise<boolean>((done) => {
      const socket = connect(port, "127.0.0.1", () => done(true)).once("error", () => done(false));
      socket.once("close", () => done(false)).once("connect", () => socket.destroy());
    });
    if (isTaken) return performance.now();
    await sleep(LOOK_MS);
  }
}

for (const watch of watches) {
  for (let room = 0; room < rooms; room += 1) await join(watch, `${watch.engine.name}-${room}`);
}
for (let cut = 0; cut < cuts; cut += 1) {
  await sleep(PAUSE_MS);
  const sinceMs = performance.now();
  proxy.reset();
  await allWhole();
  for (const watch of watches) watch.take("cut", sinceMs);
}
for (let restart = 0; restart < restarts; restart += 1) {
  await sleep(PAUSE_MS);
  await server.kill();
  await sleep(DOWN_MS);
  const [next, sinceMs] = await Promise.all([startLiveKitServer({ ports }), takesConnections(ports.http)]);
  server = next;
  await allWhole();
  for (const watch of watches) watch.take("restart", sinceMs);
}

const run: RecoveryRun = { rooms, cuts, restarts, engines: watches.map(({ figures }) => figures) };
console.log(printRecovery(run));
if (values.json !== undefined) {
  const command = `npm run bench:recovery -- --cuts ${cuts} --restarts ${restarts} --rooms ${rooms}`;
  writeFigures(values.json, { command, ...run });
}
for (const engine of engines) await engine.dispose();
await proxy.close();
await server.stop();
process.exit(0);
