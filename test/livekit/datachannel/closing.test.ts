// A close comes at every moment. Whatever is under way then ends, and nothing is told after it.

import { setTimeout as pause } from "node:timers/promises";
import { LeaveRequest_Action } from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import type { Room } from "../../../src/livekit/room.js";
import { eventually } from "../../support/eventually.js";
import { keepLibraryUntilTheEnd, type LyingScene, publish, setScene } from "./lying-scene.js";
import type { Host } from "./lying-server.js";

keepLibraryUntilTheEnd();

/** A server that answers is left well within this, the second included that it has for its closing frame. */
const CLOSE_MAX_MS = 2500;

/** Closes the room, in time, and looks for what is told after it. */
async function expectSilentClose(scene: LyingScene, room: Room): Promise<void> {
  const beganAtMs = performance.now();
  await room.close();
  expect(performance.now() - beganAtMs).toBeLessThan(CLOSE_MAX_MS);
  const before = [scene.told.length, scene.packets.length];
  await pause(150);
  expect([scene.told.length, scene.packets.length]).toEqual(before);
  expect(scene.told.filter((line) => line.startsWith("ended"))).toEqual([]);
  await scene.expectNothingLeft();
}

/** Stops when it is told to, or when nobody listens any more. */
function flood({ peer }: Host): () => void {
  let isOver = false;
  let sequence = 0;
  const sendSome = () => {
    for (let i = 0; i < 200 && !isOver; i += 1) {
      try {
        peer.sendPacket("flood", (sequence += 1));
      } catch {
        isOver = true;
      }
    }
    if (!isOver && sequence < 50_000) setImmediate(sendSome);
  };
  sendSome();
  return () => (isOver = true);
}

describe("a close while packets flood in", () => {
  it("lets none through any more", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const host = await scene.server.host();
    await host.peer.open();
    const stop = flood(host);
    await eventually("packets come", () => scene.packets.length > 500);
    await expectSilentClose(scene, room);
    stop();
  });

  it("may come from the callback of a packet", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    let closed: Promise<void> | undefined;
    let late = 0;
    scene.onPacket(() => {
      if (closed) late += 1;
      else closed = room.close();
    });
    const host = await scene.server.host();
    await host.peer.open();
    const stop = flood(host);
    await eventually("a packet came", () => closed !== undefined);
    await closed;
    await expectSilentClose(scene, room);
    stop();
    expect(late).toBe(0);
  });

  it("may be that of the engine, with rooms that are full of packets", async () => {
    const scene = await setScene();
    await Promise.all([scene.connect(), scene.connect(), scene.connect()]);
    const stops = await Promise.all(
      scene.server.hosts.map(async (host) => {
        await host.peer.open();
        return flood(host);
      }),
    );
    await eventually("packets come", () => scene.packets.length > 500);
    await scene.engine.dispose();
    const before = scene.packets.length;
    await pause(150);
    expect(scene.packets.length).toBe(before);
    for (const stop of stops) stop();
    await scene.expectNothingLeft();
  });
});

describe("a close while a track is published", () => {
  const stages: Record<string, (host: Host) => Promise<unknown>> = {
    "and not taken yet"(host) {
      host.onTrack = () => undefined;
      return host.conversation.hears("addTrack");
    },
    "and not answered yet"(host) {
      host.onOffer = () => Promise.resolve();
      return host.conversation.hears("offer", 2);
    },
    "and just answered"(host) {
      return new Promise((resolve) => {
        host.onOffer = async (offer) => {
          await host.answer(offer);
          resolve(undefined);
        };
      });
    },
    "and not even asked for": () => Promise.resolve(),
  };

  it.each(Object.keys(stages))("%s ends both", async (stage) => {
    const scene = await setScene();
    const room = await scene.connect();
    const reached = stages[stage]?.(await scene.server.host());
    const beganAtMs = performance.now();
    const outcome = publish(room).then(
      () => "published",
      (error: { code?: string }) => error.code,
    );
    await reached;
    await expectSilentClose(scene, room);
    expect(["room_ended", ...(stage === "and just answered" ? ["published"] : [])]).toContain(await outcome);
    expect(performance.now() - beganAtMs).toBeLessThan(CLOSE_MAX_MS);
    expect(scene.engine.counts().tracks).toBe(0);
  });

  it("or taken down ends both", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const track = await publish(room);
    (await scene.server.host()).onOffer = () => Promise.resolve();
    const taken = track.close();
    await expectSilentClose(scene, room);
    await taken;
  });
});

describe("a close while the room is regained", () => {
  it("by a resume waits for the server's answer, and takes back what comes of it", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const letThrough = scene.server.holdUpgrades();
    (await scene.server.host()).conversation.socket.terminate();
    await scene.tells("reconnecting");
    await eventually("it asks to resume", () => scene.server.requests.length === 2);
    setTimeout(letThrough, 100);
    await expectSilentClose(scene, room);
    expect(scene.server.conversations[1]?.allHeard("leave")).toHaveLength(1);
    expect(scene.told).toEqual(["reconnecting"]);
  });

  it("by a rejoin ends that", async () => {
    const scene = await setScene((host, index) => {
      if (index === 1) host.onOffer = () => Promise.resolve();
    });
    const room = await scene.connect();
    (await scene.server.host()).peer.close();
    await (await scene.server.host(2)).conversation.hears("pingReq");
    await expectSilentClose(scene, room);
    expect(scene.told).toEqual(["reconnecting"]);
  });

  it("but not yet again ends the wait", async () => {
    const scene = await setScene(
      (host, index) => {
        if (index > 0) host.welcome = () => host.conversation.socket.terminate();
      },
      { backoffMinMs: 60_000, backoffMaxMs: 60_000 },
    );
    const room = await scene.connect();
    (await scene.server.host()).conversation.socket.terminate();
    await scene.server.host(2);
    await pause(50);
    await expectSilentClose(scene, room);
  });
});

describe("a close while the server goes away", () => {
  it.each<[string, (host: Host) => void]>([
    ["with its transport", ({ peer }) => peer.close()],
    ["with its connection", ({ conversation }) => conversation.socket.terminate()],
    ["with a word", (host) => host.leave(LeaveRequest_Action.DISCONNECT)],
    ["with garbage", ({ conversation }) => conversation.socket.send("garbage")],
    [
      "with everything",
      (host) => {
        host.leave(LeaveRequest_Action.DISCONNECT);
        host.peer.close();
        host.conversation.socket.terminate();
      },
    ],
  ])("%s is a close", async (_, goAway) => {
    const scene = await setScene();
    const room = await scene.connect();
    const host = await scene.server.host();
    const closed = room.close();
    goAway(host);
    await expectSilentClose(scene, room);
    await closed;
  });

  it("does not wait for a server that stands still for more than a second", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const { conversation } = await scene.server.host();
    conversation.socket.pause();
    await room.close();
    conversation.socket.terminate();
    expect(scene.told).toEqual([]);
  });
});
