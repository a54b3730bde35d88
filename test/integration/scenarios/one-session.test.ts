// One user from the first join to the last: heard, spoken to, asked about, replaced, and gone.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BridgeHost } from "../../scenarios/bridge-host.js";
import { expectResumed } from "../../scenarios/fault-figures.js";
import type { Listener } from "../../scenarios/listener-host.js";
import { PACKET_MS } from "../../scenarios/numbered-packet.js";
import type { Party } from "../../scenarios/party.js";
import { flowing, startParty } from "../../scenarios/party.js";
import type { CadenceReport } from "../../scenarios/recogniser.js";
import { canPlayScenarios } from "../../scenarios/required.js";
import type { Scene } from "../../scenarios/scene.js";
import { startScene } from "../../scenarios/scene.js";
import {
  expectNoneLeft,
  expectNothingForbidden,
  expectNothingLost,
  expectOneSessionEach,
} from "../../scenarios/soundness.js";
import type { WebServer } from "../../scenarios/web-server.js";
import { startWebServer } from "../../scenarios/web-server.js";
import { eventually } from "../../support/eventually.js";
import { checkHealth } from "../../support/health.js";
import { tone } from "../../support/tone.js";
import { wavOf } from "../../support/wav.js";

const USER = "alice";
const CADENCE_SECONDS = 6;

describe.skipIf(!canPlayScenarios())("a user of the cloud", () => {
  let scene: Scene;
  let bridge: BridgeHost;
  let party: Party;
  let listener: Listener;
  let web: WebServer;
  let startedAtMs: number;

  beforeAll(async () => {
    scene = await startScene();
    bridge = await scene.bridge();
    web = await startWebServer(scene.host);
    listener = await scene.listener(USER);
    startedAtMs = Date.now();
    party = await startParty(scene, bridge, USER);
  });
  afterAll(async () => {
    await web.close();
    await scene.stop();
  });

  test("T2, T3: finds a bridge that listens on port 9090, serves, and is asked for its health", async () => {
    expect(bridge.address).toMatch(/:9090$/);
    expect(await checkHealth(bridge.address)).toBe("SERVING");
    expect(await checkHealth(bridge.address, "mentra.livekit.bridge.LiveKitBridge")).toBe("SERVING");
    expect((await bridge.health()).status).toBe("SERVING");
  });

  test("T4: joins; the room exists, with the phone and one bridge in it", async () => {
    const rooms = await scene.livekit.roomService.listRooms([USER]);
    expect(rooms).toHaveLength(1);
    expect(await scene.participants(USER)).toEqual([USER, `cloud-agent:${USER}`, `listener:${USER}`]);
    expect((await bridge.health()).active_sessions).toBe(1);
    scene.book.inOrder(
      [
        { source: bridge.source, message: "Successfully joined room", userId: USER },
        { source: party.cloud.source, message: "Joined LiveKit room", userId: USER },
        { source: bridge.source, message: "StreamAudio started", userId: USER },
        { source: party.cloud.source, message: "Captions", userId: USER },
      ],
      startedAtMs,
    );
  });

  test("T5: is heard by the cloud without a gap, and hears what the cloud says", async () => {
    const sinceMs = Date.now();
    const pcm = tone({ frequencyHz: 440, durationMs: 2000, sampleRateHz: 16_000 });
    const { events } = await party.cloud.ask("speak", { user: USER, requestId: "tts-1", pcm: base64(pcm) });
    expect(typesOf(events)).toMatch(/^STARTED .*COMPLETED$/);
    await expectTone("tts", { frequencyHz: 440, durationMs: 2000, sinceMs });
    await flowing(party, sinceMs);
    await expectNothingLost(party);
  });

  test(`T6: the recogniser gets 100 ms of audio each 100 ms, whatever the network brings, for ${CADENCE_SECONDS} s`, async () => {
    const startMs = Date.now();
    await new Promise((resolve) => setTimeout(resolve, CADENCE_SECONDS * 1000));
    const { cadence } = await party.cloud.ask("cadence", { user: USER });
    const { captions, oddSizes } = cadence as CadenceReport;
    const mine = captions.filter(({ atMs }) => atMs >= startMs).slice(0, CADENCE_SECONDS * 10 - 5);
    expect(mine.length).toBe(CADENCE_SECONDS * 10 - 5);
    expect(oddSizes).toBe(0);
    const steps = mine.slice(1).map(({ number = 0 }, i) => number - (mine[i]?.number ?? 0));
    expect(new Set(steps), "packets from chunk to chunk").toEqual(new Set([100 / PACKET_MS]));
    const offsetsMs = mine.map(({ atMs }, i) => atMs - (mine[0]?.atMs ?? 0) - i * 100);
    const drift = (offsetsMs.at(-1) ?? 0) - (offsetsMs[0] ?? 0);
    console.log(`T6 chunks off the beat by at most ${Math.max(...offsetsMs.map(Math.abs))} ms; drift ${drift} ms`);
    // The clock may be late on a busy machine, but is never off for good.
    const onBeat = offsetsMs.filter((offsetMs) => Math.abs(offsetMs) <= 20).length;
    expect(onBeat / offsetsMs.length).toBeGreaterThan(0.9);
    expect(Math.abs(drift)).toBeLessThan(100);
  }, 30_000);

  test.each([
    { what: "an MP3", path: "/700.mp3", frequencyHz: 700, file: () => fixture("tone-700-22050-1.mp3") },
    { what: "a WAV", path: "/880.wav", frequencyHz: 880, file: () => wav(880) },
  ])("T7: $what is played into the room and heard", async ({ path, frequencyHz, file }) => {
    const url = web.add(path, file());
    const sinceMs = Date.now();
    const { events } = await party.cloud.ask("play", { user: USER, requestId: path, url, trackId: 0 });
    expect(typesOf(events)).toMatch(/^STARTED (PROGRESS )*COMPLETED$/);
    await expectTone("speaker", { frequencyHz, durationMs: 1000, sinceMs });
    scene.book.inOrder(
      ["PlayAudio started", "PlayAudio playing", "PlayAudio completed"].map((message) => ({
        source: bridge.source,
        message,
        requestId: path,
      })),
      sinceMs,
    );
  });

  test("T16: the status can be asked, and the room itself", async () => {
    const { status } = await party.cloud.ask("bridgeStatus", { user: USER });
    expect(status).toMatchObject({ connected: true, participant_id: `cloud-agent:${USER}`, participant_count: 3 });
    const { status: room } = await party.cloud.ask("roomStatus", { user: USER });
    expect(room).toMatchObject({ clientInRoom: true, bridgeInRoom: true, bridgeConnected: true, micEnabled: true });
    expect(scene.book.find({ message: /not a function/ })).toEqual([]);
    scene.book.inOrder([{ source: party.cloud.source, message: "Bridge status fetched", userId: USER }], startedAtMs);
  });

  test("is joined anew when the cloud asks for it, and heard at once", async () => {
    const sinceMs = Date.now();
    await party.cloud.ask("rejoin", { user: USER });
    const rejoined = { source: party.cloud.source, message: "Bridge rejoined", userId: USER };
    const what = "a rejoin that the cloud asked for";
    await expectResumed(scene, party, { what, cutAtMs: sinceMs, healedAtMs: sinceMs });
    await listener.leave();
    await expectOneSessionEach(scene, bridge, [USER]);
    scene.book.inOrder(
      [{ source: bridge.source, message: "Successfully joined room", userId: USER }, rejoined],
      sinceMs,
    );
  });

  test("T10: disposed, leaves nothing: no session, no bridge in the room, no connection, no token in a log", async () => {
    const sinceMs = Date.now();
    await party.cloud.ask("dispose", { user: USER });
    await expectNoneLeft(scene, bridge, USER, [USER]);
    await eventually("no connection", () => party.cloud.connections() === 0);
    const closed = { source: bridge.source, message: "Closing room session", userId: USER, reason: "left" };
    scene.book.inOrder([closed, { source: bridge.source, message: "Room session closed", userId: USER }], sinceMs);
    await party.phone.close();
    await expectNoneLeft(scene, bridge, USER);
    expectNothingForbidden(scene);
  });

  async function expectTone(track: string, expected: { frequencyHz: number; durationMs: number; sinceMs: number }) {
    const { frequencyHz, durationMs, sinceMs } = expected;
    // What has been played out is on its way for a moment yet.
    const isHeard = async () => (await listener.sound(track, sinceMs)).audibleMs > durationMs * 0.9;
    await eventually(`${durationMs} ms on ${track}`, isHeard).catch(() => undefined);
    const heard = await listener.sound(track, sinceMs);
    expect(Math.abs(heard.frequencyHz - frequencyHz), `${heard.frequencyHz} Hz`).toBeLessThan(frequencyHz * 0.02);
    expect(heard.audibleMs).toBeGreaterThan(durationMs * 0.9);
  }
});

function typesOf(events: unknown): string {
  return (events as readonly { readonly type: string }[]).map(({ type }) => type).join(" ");
}

function base64(samples: Int16Array): string {
  return Buffer.from(samples.buffer).toString("base64");
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
}

function wav(frequencyHz: number): Buffer {
  return wavOf(tone({ frequencyHz, durationMs: 1500, sampleRateHz: 16_000 }), 16_000);
}
