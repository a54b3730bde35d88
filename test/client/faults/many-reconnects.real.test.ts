// A user who reconnects again and again: what belonged to an earlier stream is gone with it.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { BridgeClient } from "../../../src/client/bridge-client.js";
import { createBridgeClient } from "../../../src/client/create-bridge-client.js";
import type { ChannelPool } from "../../../src/client/wire/channel-pool.js";
import { eventually } from "../../support/eventually.js";
import { createScene, QUICK } from "../suite/scene.js";
import type { AudioCall } from "./intercept-streams.js";
import { interceptStreams } from "./intercept-streams.js";

const scene = createScene({ kind: "new" });

const RECONNECTS = 100;
/** The one that is up, and what a runtime may not have looked at yet. */
const STREAMS_ALIVE_MAX = 5;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test("a hundred reconnections leave one stream, one connection, no listener more, and tell each packet once", async () => {
  const channels = scene.pool();
  const calls: WeakRef<AudioCall>[] = [];
  let last: AudioCall | undefined;
  interceptStreams(channels, (open) => {
    last = open();
    calls.push(new WeakRef(last));
    return last;
  });
  const { client, packets } = listening(channels);
  await client.connect();
  const before = { call: listenersOf(last), process: listenersOf(process), timers: scene.clock.pending };
  for (let nth = 0; nth < RECONNECTS; nth += 1) {
    await reconnect(client, nth);
    await eventually("it streams again", () => client.state === "streaming" && client.stats.joins === nth + 2);
  }
  expect({ call: listenersOf(last), process: listenersOf(process) }).toEqual({
    call: before.call,
    process: before.process,
  });
  const isOneLeft = async () => {
    const { connections, streamsByUser } = await scene.bridge.counts();
    return connections === 1 && streamsByUser[client.userId] === 1;
  };
  await eventually("one stream on one connection", isOneLeft);
  expect(channels.channelCount).toBe(1);
  await eventually("no timer more", () => scene.clock.pending <= before.timers);
  await scene.bridge.send(client.userId, [640, 320]);
  await eventually("they are heard", () => client.stats.chunksReceived >= 2);
  expect([packets, client.stats.chunksReceived]).toEqual([[640, 320], 2]);
  expect(calls).toHaveLength(RECONNECTS + 1);
  await eventually("the streams of before are forgotten", () => aliveOf(calls) <= STREAMS_ALIVE_MAX);
}, 60_000);

/** Of its own making: the scene's keeps every error, and an error what was on the stack when it was made. */
function listening(channels: ChannelPool) {
  const join = () => ({ url: "", roomName: "room", token: scene.token() });
  const { clock, bridge } = scene;
  const client = createBridgeClient({ userId: "alice", address: bridge.address, channels, clock, join, limits: QUICK });
  scene.after(() => client.dispose());
  const packets: number[] = [];
  client.on("audio", ({ pcm }) => packets.push(pcm.length));
  return { client, packets };
}

/** In all the ways there are. */
async function reconnect(client: BridgeClient, nth: number): Promise<void> {
  if (nth % 4 === 0) await scene.bridge.cut(client.userId);
  else if (nth % 4 === 1) await scene.bridge.endStream(client.userId, { code: "INTERNAL" });
  else if (nth % 4 === 2) await scene.bridge.endStream(client.userId, { reason: "room_deleted" });
  else await client.rejoin();
}

function listenersOf(emitter: NodeJS.EventEmitter | undefined): Record<string, number> {
  const names = emitter?.eventNames() ?? [];
  return Object.fromEntries(names.map((name) => [String(name), emitter?.listenerCount(name) ?? 0]));
}

function aliveOf(calls: readonly WeakRef<AudioCall>[]): number {
  collectGarbage();
  return calls.filter((call) => call.deref() !== undefined).length;
}
