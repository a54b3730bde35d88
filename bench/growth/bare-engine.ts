// The control of join-growth: joins and leaves with each token it is sent, with nothing of the bridge but its engine.

import { createRtcNodeEngine } from "../src/livekit/rtc-node/engine.js";
import { systemClock } from "../src/time.js";

const [url = ""] = process.argv.slice(2);
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
const engine = createRtcNodeEngine({ clock: systemClock, logger: silent });

async function cycle(token: string): Promise<void> {
  const room = await engine.connect({ url, token, signal: new AbortController().signal }, listener);
  await room.close();
  process.send?.("done");
}

process.on("message", (token: string) => void cycle(token));
