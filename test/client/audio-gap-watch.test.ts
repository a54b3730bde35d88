import { describe, expect, it } from "vitest";
import type { ManagedUser } from "../../src/client/cloud/managed-user.js";
import type { Changeable } from "./manager-scene.js";
import { createManagerScene, KEYS } from "./manager-scene.js";

const GAP_LOG = "Audio gap: the bridge was rejoined";

describe("a gap in the audio", () => {
  it("of 5 s with the microphone on makes the bridge join anew", async () => {
    const scene = await listening();
    await speak(scene, 10);
    await scene.clock.advance(4_000);
    expect(rejoins(scene)).toHaveLength(0);
    await scene.clock.advance(3_500);
    expect(rejoins(scene)).toHaveLength(1);
    expect(scene.lines.find(({ message }) => message === GAP_LOG)).toMatchObject({ attempt: 1, attemptsMax: 3 });
    scene.manager.dispose();
  });

  it("is no gap while audio flows", async () => {
    const scene = await listening();
    await speak(scene, 120);
    expect(rejoins(scene)).toHaveLength(0);
    scene.manager.dispose();
  });

  it("is tried to be closed 3 times, and again 60 s after the last of them", async () => {
    const scene = await listening();
    await speak(scene, 1);
    await scene.clock.advance(60_000);
    const first = rejoins(scene);
    expect(first).toHaveLength(3);
    const last = first[2] ?? 0;
    await scene.clock.advance(last + 60_000 - scene.clock.now() - 1);
    expect(rejoins(scene)).toHaveLength(3);
    await scene.clock.advance(60_000);
    expect(rejoins(scene)).toHaveLength(6);
    scene.manager.dispose();
  });

  it("that audio only interrupts for a moment does not win more attempts", async () => {
    const scene = await listening();
    await speak(scene, 1);
    for (let round = 0; round < 7; round++) {
      await scene.clock.advance(8_000);
      scene.client.hear();
    }
    expect(rejoins(scene)).toHaveLength(3);
    scene.manager.dispose();
  });

  it("uses up no attempt when the window after another join forbids the rejoin", async () => {
    const scene = await listening({ ...KEYS, LIVEKIT_REJOIN_BACKOFF_MS: "30000" });
    await speak(scene, 1);
    await scene.clock.advance(25_000);
    expect(rejoins(scene)).toHaveLength(0);
    expect(scene.messages()).not.toContain(GAP_LOG);
    await scene.clock.advance(10_000);
    expect(rejoins(scene)).toHaveLength(1);
    expect(scene.lines.filter(({ message }) => message === GAP_LOG)).toMatchObject([{ attempt: 1 }]);
    scene.manager.dispose();
  });

  it("is told to the application when the attempts are used up, and when audio is back", async () => {
    const scene = await listening();
    await speak(scene, 1);
    await scene.clock.advance(60_000);
    expect(scene.notices).toEqual(["unavailable: no_audio"]);
    expect(scene.messages().filter((message) => message === "Audio gap persists; pausing rejoins")).toHaveLength(1);
    await scene.during(2_000, () => scene.manager.rejoinBridge());
    expect(scene.notices).toHaveLength(1);
    await speak(scene, 5);
    expect(scene.notices).toHaveLength(2);
    expect(scene.notices[1]).toMatch(/^available after 6\d{4}$/);
    scene.manager.dispose();
  });
});

describe("no rejoin for silence", () => {
  it("before any audio was heard", async () => {
    const scene = await listening();
    await scene.clock.advance(60_000);
    expect(rejoins(scene)).toHaveLength(0);
    scene.manager.dispose();
  });

  it("with the microphone off, which leaves no timer", async () => {
    const scene = await listening();
    await speak(scene, 1);
    scene.manager.onMicStateChange(false);
    expect(scene.clock.pending).toBe(0);
    await scene.clock.advance(60_000);
    expect(rejoins(scene)).toHaveLength(0);
  });

  it("in the first 5 s of a microphone that was off for long", async () => {
    const scene = await listening();
    await speak(scene, 1);
    scene.manager.onMicStateChange(false);
    await scene.clock.advance(600_000);
    scene.manager.onMicStateChange(true);
    await scene.clock.advance(4_999);
    expect(rejoins(scene)).toHaveLength(0);
    await scene.clock.advance(3_000);
    expect(rejoins(scene)).toHaveLength(1);
    scene.manager.dispose();
  });

  it("while the bridge is not connected: the client tries by itself", async () => {
    const scene = await listening();
    await speak(scene, 1);
    scene.client.lose();
    await scene.clock.advance(60_000);
    expect(rejoins(scene)).toHaveLength(0);
    scene.manager.dispose();
  });

  it.each<[string, (user: Changeable<ManagedUser>, unixNowMs: number) => void]>([
    ["the phone's connection is closed", (user) => (user.websocket = { readyState: 3 })],
    ["the phone has no connection", (user) => (user.websocket = null)],
    ["the phone is away", (user) => (user.disconnectedAt = new Date())],
    ["nobody listens", (user) => (user.hasAudioSubscriptions = () => false)],
    ["the phone has answered no ping for 30 s", (user, unixNowMs) => (user.lastPongAtMs = unixNowMs - 30_001)],
    [
      "the application cannot tell",
      (user) => {
        user.hasAudioSubscriptions = () => {
          throw new Error("broken");
        };
      },
    ],
  ])("while %s", async (_, change) => {
    const scene = await listening();
    await speak(scene, 1);
    change(scene.user, scene.clock.wallNow());
    await scene.clock.advance(60_000);
    expect(rejoins(scene)).toHaveLength(0);
    scene.manager.dispose();
  });

  it("in the 5 s after what explained it has gone", async () => {
    const scene = await listening();
    scene.user.websocket = { readyState: 3 };
    await speak(scene, 1);
    await scene.clock.advance(60_000);
    scene.user.websocket = { readyState: 1 };
    await scene.clock.advance(4_999);
    expect(rejoins(scene)).toHaveLength(0);
    await scene.clock.advance(5_000);
    expect(rejoins(scene)).toHaveLength(1);
    scene.manager.dispose();
  });
});

describe("the watch", () => {
  it("has one timer, however often the microphone goes on", async () => {
    const scene = await listening();
    for (let count = 0; count < 20; count++) scene.manager.onMicStateChange(true);
    expect(scene.clock.pending).toBe(1);
    scene.manager.onMicStateChange(false);
    expect(scene.clock.pending).toBe(0);
  });

  it("sets no timer when the microphone goes off during a rejoin", async () => {
    const scene = await listening();
    await speak(scene, 1);
    scene.client.settings.joinMs = 1_000;
    while (rejoins(scene).length === 0) await scene.clock.advance(100);
    scene.manager.onMicStateChange(false);
    await scene.clock.advance(2_000);
    expect(scene.clock.pending).toBe(0);
  });
});

type Listening = Awaited<ReturnType<typeof listening>>;

/** Joined, microphone on, and the window after the join over. */
async function listening(env: Record<string, string> = KEYS) {
  const scene = createManagerScene({ env, user: { websocket: { readyState: 1 }, disconnectedAt: null } });
  scene.manager.onMicStateChange(true);
  await scene.clock.advance(3_000);
  return { ...scene, client: scene.client };
}

async function speak(scene: Listening, seconds: number): Promise<void> {
  for (let tenths = 0; tenths < seconds * 10; tenths++) {
    scene.client.hear();
    await scene.clock.advance(100);
  }
}

/** When the bridge was joined anew, in milliseconds. */
function rejoins({ client }: Listening): number[] {
  return client.joins.filter(({ kind }) => kind === "rejoin").map(({ atMs }) => atMs);
}
