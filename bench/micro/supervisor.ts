// A join and a leave beside 10, 100 and 1,000 sessions, without gRPC, on rooms in memory. The base is 100 sessions.

import type { JoinReply, LeaveReply } from "../../src/machines/ports.js";
import type { BridgeHarness } from "../../test/support/embedded-bridge.js";
import { startEmbeddedBridge } from "../../test/support/embedded-bridge.js";
import type { Comparison } from "./rounds.js";
import { compare, cpuNsPerUnit } from "./rounds.js";

const CYCLES = 100;

export async function supervisor(rounds: number): Promise<Comparison[]> {
  const sizes = [100, 100, 10, 1000];
  const stages = await Promise.all(sizes.map((sessions) => startStage(sessions)));
  const variants = stages.map(({ cycle }, at) => {
    const name = at === 1 ? "control: the same again" : `beside ${sizes[at]} sessions`;
    const run = () =>
      cpuNsPerUnit(CYCLES, async () => {
        for (let i = 0; i < CYCLES; i += 1) await cycle();
      });
    return { name, run };
  });
  const title = "a join and a leave in the supervisor";
  const result = await compare({ title, unit: "join and leave", rounds }, variants);
  for (const { harness } of stages) await harness.stop();
  return [result];
}

/** A bridge with so many sessions, and so many users more who have a token and have not joined. */
export async function startStage(sessions: number, spareUsers = 0) {
  const env = { LOG_LEVEL: "silent", BRIDGE_SESSIONS_MAX: String(sessions + spareUsers + 10) };
  const harness = await startEmbeddedBridge({ env });
  const withToken = async (userId: string) =>
    [userId, await harness.rooms.token(`cloud-agent:${userId}`, userId)] as const;
  const [, token] = await withToken("guest");
  const users = Array.from({ length: sessions + spareUsers }, (_, i) => withToken(`user-${i}`));
  const spare = await Promise.all(users);
  for (const [user, userToken] of spare.splice(0, sessions)) await join(harness, user, userToken);
  const cycle = async () => {
    await join(harness, "guest", token);
    await leave(harness, "guest");
  };
  return { harness, cycle, spare };
}

export function join({ bridge, rooms }: BridgeHarness, userId: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const { settled, succeed, fail } = settling(resolve, reject);
    const reply: JoinReply = {
      get isSettled() {
        return settled();
      },
      succeed,
      fail,
      refuse: (_status, message) => fail(message),
      abandon: () => fail("abandoned"),
    };
    const request = { userId, roomName: userId, token, url: rooms.url, targetIdentity: userId };
    bridge.backend.send({ type: "session.join", request, reply });
  });
}

export function leave({ bridge }: BridgeHarness, userId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const { settled, succeed, fail } = settling(resolve, reject);
    const reply: LeaveReply = {
      get isSettled() {
        return settled();
      },
      succeed,
      fail,
      abandon: () => fail("abandoned"),
    };
    bridge.backend.send({ type: "session.leave", userId, reason: "", reply });
  });
}

function settling(resolve: () => void, reject: (error: Error) => void) {
  let isSettled = false;
  const settle = (end: () => void) => {
    isSettled = true;
    end();
  };
  return {
    settled: () => isSettled,
    succeed: () => settle(resolve),
    fail: (message: string) => settle(() => reject(new Error(message))),
  };
}
