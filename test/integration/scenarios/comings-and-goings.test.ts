// What a day brings: the app is killed and opened again, the phone is in airplane mode for a moment, the cloud's process is
// killed and restarted, its machine is lost. Each happens to another user, all at once, to save time. What a phone itself
// needs to be heard in its room again is measured by somebody else who listens in the same room.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BridgeHost } from "../../scenarios/bridge-host.js";
import { expectResumed } from "../../scenarios/fault-figures.js";
import type { Listener } from "../../scenarios/listener-host.js";
import type { Party } from "../../scenarios/party.js";
import { startParty } from "../../scenarios/party.js";
import { canPlayScenarios } from "../../scenarios/required.js";
import type { Scene } from "../../scenarios/scene.js";
import { startScene } from "../../scenarios/scene.js";
import { expectNothingForbidden, expectNothingLost, expectOneSessionEach } from "../../scenarios/soundness.js";
import { eventually } from "../../support/eventually.js";

const AWAY_MS = 5000;
const AIRPLANE_MS = 2000;
const WITH_LISTENER = ["force-quit", "airplane", "lost"] as const;
const USERS = [...WITH_LISTENER, "restarted", "bystander"] as const;

describe.skipIf(!canPlayScenarios())("a user whose app or cloud goes and comes back", () => {
  let scene: Scene;
  let bridge: BridgeHost;
  const parties = new Map<string, Party>();
  const listeners = new Map<string, Listener>();

  beforeAll(async () => {
    scene = await startScene();
    bridge = await scene.bridge();
    await Promise.all([
      ...WITH_LISTENER.map(async (user) => listeners.set(user, await scene.listener(user))),
      ...USERS.map(async (user) => parties.set(user, await startParty(scene, bridge, user))),
    ]);
  });
  afterAll(() => scene.stop());

  function partyOf(user: (typeof USERS)[number]): Party {
    const party = parties.get(user);
    if (!party) throw new Error(`${user} has not come`);
    return party;
  }

  async function controlOf(user: string, healedAtMs: number) {
    const heardAtMs = await listeners.get(user)?.heardSince(healedAtMs);
    return { what: "the phone's own way into the room", ms: Number(heardAtMs) - healedAtMs };
  }

  describe.concurrent("is heard", () => {
    test("T17: after a force quit of 5 s, within 3 s of being in the room", async () => {
      const party = partyOf("force-quit");
      const { cloud, phone, user } = party;
      const cutAtMs = Date.now();
      await phone.forceQuit();
      await cloud.ask("away", { user });
      await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
      const healedAtMs = Date.now();
      const init = await cloud.init(user);
      expect(init, "the handshake's answer").toMatchObject({ roomName: user });
      await phone.open(init?.token);
      const control = await controlOf(user, healedAtMs);
      const noticedBy = { source: cloud.source, message: "Reconnect detected", userId: user };
      await expectResumed(scene, party, { what: "T17 force quit", cutAtMs, healedAtMs, noticedBy, control });
    }, 60_000);

    test("T18: after 2 s of airplane mode, within 3 s of being in the room", async () => {
      const party = partyOf("airplane");
      const { phone, cloud, user } = party;
      const cutAtMs = Date.now();
      await phone.wire.unplug();
      await cloud.ask("away", { user });
      await new Promise((resolve) => setTimeout(resolve, AIRPLANE_MS));
      const healedAtMs = Date.now();
      await phone.wire.heal();
      await cloud.init(user);
      const control = await controlOf(user, healedAtMs);
      const noticedBy = { source: cloud.source, message: "Reconnect detected", userId: user };
      await expectResumed(scene, party, { what: "T18 airplane mode", cutAtMs, healedAtMs, noticedBy, control });
    }, 60_000);

    test("T11: its cloud killed and restarted; the session was closed at once and nothing piled up for it", async () => {
      const party = partyOf("restarted");
      const { cloud, user } = party;
      const cutAtMs = Date.now();
      await cloud.kill();
      const gone = { source: bridge.source, userId: user };
      const closing = { ...gone, message: "Closing room session", reason: "stream_error" };
      await eventually("the session closed", () => scene.book.find(closing, cutAtMs).length > 0, 2000);
      scene.book.inOrder([{ ...gone, message: `StreamAudio send error for ${user}` }, closing], cutAtMs);
      await cloud.start();
      const healedAtMs = Date.now();
      // The glasses' websocket comes back, as after every restart.
      await cloud.init(user);
      await expectResumed(scene, party, { what: "T11 cloud restarted", cutAtMs, healedAtMs, noticedBy: closing });
      scene.book.inOrder(
        [
          { ...gone, message: "Successfully joined room" },
          { ...gone, message: "StreamAudio started" },
          { source: cloud.source, message: "Captions", userId: user },
        ],
        cutAtMs,
      );
      expect(scene.book.find({ ...gone, message: /channel full/ })).toEqual([]);
    }, 60_000);

    test("T14, T15: its cloud's machine lost unnoticed, the app reopened; the join replaces what is left, as the logs say", async () => {
      const lost = partyOf("lost");
      const { cloud, phone, user } = lost;
      const cutAtMs = Date.now();
      await phone.forceQuit();
      // No farewell of its sockets comes through.
      await cloud.wire.silence();
      await cloud.kill();
      const successor = await scene.cloud(bridge, { label: "successor" });
      const healedAtMs = Date.now();
      const init = await successor.init(user);
      await phone.open(init?.token);
      const control = await controlOf(user, healedAtMs);
      const replacing = { source: bridge.source, message: "Replacing existing bridge session" };
      const noticedBy = { ...replacing, user_id: user, reason: "new_join_request" };
      const party = { ...lost, cloud: successor };
      const what = "T14 cloud's machine lost, app reopened";
      await expectResumed(scene, party, { what, cutAtMs, healedAtMs, noticedBy, control });
      const own = { source: successor.source, userId: user };
      const received = { ...own, message: "AudioManager received PCM chunk" };
      await eventually("100 packets", () => scene.book.find(received, cutAtMs).length > 0);
      scene.book.inOrder([noticedBy, { ...own, message: "Joined LiveKit room" }, received], cutAtMs);
      scene.book.inOrder([noticedBy, { ...own, message: "Captions" }], cutAtMs);
    }, 60_000);
  });

  test("and all have one session, and one bridge in their rooms; a bystander lost nothing", async () => {
    await Promise.all([...listeners.values()].map((listener) => listener.leave()));
    await expectOneSessionEach(scene, bridge, USERS);
    await expectNothingLost(partyOf("bystander"));
    expectNothingForbidden(scene);
  });
});
