// A cloud in a process of its own, on this project's client. Its log goes to stdout as in production.

import { pino } from "pino";
import { CloudUser } from "./cloud-user.js";
import type { Order } from "./told.js";
import { obey, report } from "./told.js";

const logger = pino({
  level: process.env["LOG_LEVEL"] ?? "info",
  messageKey: "message",
  base: { feature: "cloud" },
  formatters: { level: (level) => ({ level }) },
});
const users = new Map<string, CloudUser>();

function known({ user }: Order): CloudUser {
  const found = users.get(String(user));
  if (!found) throw new Error(`no such user: ${String(user)}`);
  return found;
}

function knownOrNew(order: Order): CloudUser {
  const id = String(order["user"]);
  const user = users.get(id) ?? new CloudUser(id, logger);
  users.set(id, user);
  return user;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

obey({
  init: async (order) => ({ init: (await knownOrNew(order).init()) ?? undefined }),
  away: (order) => known(order).away(),
  microphone: (order) => known(order).liveKitManager.onMicStateChange(order["on"] === true),
  status: (order) => known(order).status(),
  cadence: (order) => known(order).cadence(),
  bridgeStatus: async (order) => ({ status: await known(order).liveKitManager.getBridgeStatus() }),
  roomStatus: async (order) => ({ status: await known(order).liveKitManager.getRoomStatus() }),
  rejoin: (order) => known(order).liveKitManager.rejoinBridge(),
  play: async (order) => {
    const { requestId, url, trackId = 0, volume = 1 } = order;
    const common = { requestId: textOf(requestId), trackId: Number(trackId) };
    return { events: await known(order).play({ ...common, url: textOf(url), volume: Number(volume) }) };
  },
  speak: async (order) => {
    const { requestId, pcm, trackId = 2 } = order;
    const speech = { requestId: textOf(requestId), trackId: Number(trackId), pcm: Buffer.from(textOf(pcm), "base64") };
    return { events: await known(order).play(speech) };
  },
  stopPlaying: (order) => known(order).stopPlaying(),
  dispose(order) {
    known(order).dispose();
    users.delete(String(order["user"]));
  },
});
report("ready");
