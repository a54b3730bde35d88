// The control of the growth: joins and leaves with each token it is sent, with nothing of the bridge but its engine.

import type { RoomEngine } from "../../src/livekit/room.js";
import { systemClock } from "../../src/time.js";

const [name = "", url = ""] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ignore = () => {};
const listener = {
  packet: ignore,
  participantJoined: ignore,
  participantLeft: ignore,
  reconnecting: ignore,
  reconnected: ignore,
  ended: ignore,
};

const engine = await createEngine();

async function createEngine(): Promise<RoomEngine> {
  const options = { clock: systemClock, logger: silent };
  if (name === "datachannel") {
    const { createDatachannelEngine } = await import("../../src/livekit/datachannel/engine.js");
    return createDatachannelEngine(options);
  }
  const { createRtcNodeEngine } = await import("../../src/livekit/rtc-node/engine.js");
  return createRtcNodeEngine(options);
}

async function cycle(token: string): Promise<void> {
  const room = await engine.connect({ url, token, signal: new AbortController().signal }, listener);
  await room.close();
  process.send?.("done");
}

process.on("message", (token: string) => void cycle(token));
