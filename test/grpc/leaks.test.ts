import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

const CYCLES = 300;

describe("what a session leaves behind", () => {
  let harness: BridgeHarness;
  useEmbeddedBridge(
    (started) => {
      harness = started;
    },
    { env: { LOG_LEVEL: "silent" } },
  );

  test(`${CYCLES} times join, stream, leave: no actor, timer, listener, file or thread more than before`, async () => {
    const { client, params, rooms } = harness;
    const phone = await rooms.join({ identity: "alice", room: "alice" });
    const cycle = async (end: "leave" | "cancel") => {
      await client.join(await params("alice"));
      const stream = client.stream("alice");
      await stream.metadata;
      await phone.publishData(Buffer.alloc(640, 1));
      stream.send(Buffer.alloc(640, 1));
      await eventually("a chunk", () => stream.chunks.length > 0);
      if (end === "leave") await client.leave("alice");
      else stream.call.cancel();
      await stream.ended;
      await eventually("left", () => rooms.identities("alice").length === 1);
    };
    const sessionIds = new Set<string>();
    harness.bridge.supervisor.system.inspect(({ actorRef }) => {
      const id: unknown = Reflect.get(actorRef, "id");
      if (typeof id === "string" && id.startsWith("session.")) sessionIds.add(id);
    });
    for (let i = 0; i < 20; i += 1) await cycle(i % 2 === 0 ? "leave" : "cancel");
    await eventually("quiet", () => harness.engine.counts().rooms === 0);
    const before = takeStock(harness);
    for (let i = 0; i < CYCLES; i += 1) await cycle(i % 3 === 0 ? "cancel" : "leave");
    await eventually("quiet", () => harness.engine.counts().rooms === 0);
    // A reset of an ended call is armed for half a second.
    await eventually("no timer more than before", () => takeStock(harness).timers <= before.timers, 3000);
    const after = takeStock(harness);
    expect(after.children).toEqual([]);
    expect(after.sessionsRemembered).toBe(1);
    // XState remembers every id it has heard from, for ever: there must be few of them.
    expect(sessionIds.size).toBeLessThanOrEqual(3);
    expect(after.engine).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
    expect(after.files).toBeLessThanOrEqual(before.files);
    expect(after.threads).toBeLessThanOrEqual(before.threads);
    expect(after.processListeners).toEqual(before.processListeners);
  }, 60_000);
});

function takeStock({ bridge, engine }: BridgeHarness) {
  const { children, context } = bridge.supervisor.getSnapshot();
  return {
    children: Object.keys(children),
    sessionsRemembered: context.disconnects.size,
    engine: engine.counts(),
    timers: process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length,
    files: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
    processListeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
  };
}
