import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import type { TestPlayback } from "../support/old-client.js";
import { sleep, useScene } from "./scene.js";
import type { Scene } from "./scene.js";

const RUNS = Number(process.env["PLAYBACK_PROPERTY_RUNS"] ?? 25);

type Source = "short" | "long" | "silent" | "missing" | "broken";

type Step =
  | {
      readonly kind: "play";
      readonly source: Source;
      readonly track: number;
      readonly id: number;
      readonly stopOther: boolean;
    }
  | { readonly kind: "stop"; readonly track?: number; readonly id?: number }
  | { readonly kind: "cancel"; readonly which: number }
  | { readonly kind: "leave" | "kick" | "join" | "outage" }
  | { readonly kind: "wait"; readonly ms: number };

const track = fc.integer({ min: 0, max: 2 });
const id = fc.integer({ min: 0, max: 5 });
const play: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("play"),
  source: fc.constantFrom("short", "long", "long", "silent", "missing", "broken"),
  track,
  id,
  stopOther: fc.boolean(),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: play, weight: 8 },
  {
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant("stop") }),
      fc.record({ kind: fc.constant("stop"), track }),
      fc.record({ kind: fc.constant("stop"), id }),
    ),
    weight: 3,
  },
  { arbitrary: fc.record({ kind: fc.constant("cancel"), which: fc.nat(20) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constantFrom("leave", "kick", "join", "outage") }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.integer({ min: 0, max: 60 }) }), weight: 4 },
);

describe("Whatever happens to whatever plays", () => {
  let scene: Scene;
  useScene((fresh) => (scene = fresh));

  test(
    "each accepted play has exactly one end, and nothing of it is left",
    async () => {
      const urls: Record<Source, string> = {
        short: scene.tone(440, 40),
        long: scene.tone(440, 5000),
        silent: scene.silentServer(),
        missing: "http://127.0.0.1:9/",
        broken: scene.web.add("/broken", Buffer.alloc(3000, "no sound here ")),
      };
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
          const plays: TestPlayback[] = [];
          const cancelled = new Set<TestPlayback>();
          await rejoin(scene);
          for (const next of steps) await take(scene, next, urls, plays, cancelled);
          await scene.stop();
          for (const one of plays) {
            await one.ended;
            expectWellEnded(one, cancelled.has(one));
          }
          await expectNothingLeft(scene);
        }),
        { numRuns: RUNS },
      );
    },
    20_000 + RUNS * 2000,
  );
});

async function take(
  scene: Scene,
  next: Step,
  urls: Record<Source, string>,
  plays: TestPlayback[],
  cancelled: Set<TestPlayback>,
): Promise<void> {
  const { client, rooms } = scene.harness;
  if (next.kind === "play") {
    const changes = { track_id: next.track, request_id: `id-${next.id}`, stop_other: next.stopOther };
    plays.push(scene.play(urls[next.source], changes));
  } else if (next.kind === "stop") {
    const which = next.id === undefined ? "" : `id-${next.id}`;
    await scene.stop({ request_id: which, ...(next.track === undefined ? {} : { track_id: next.track }) });
  } else if (next.kind === "cancel") {
    const one = plays[next.which % Math.max(1, plays.length)];
    if (!one) return;
    cancelled.add(one);
    one.call.cancel();
  } else if (next.kind === "wait") await sleep(next.ms);
  else if (next.kind === "leave") await client.leave("alice");
  else if (next.kind === "join") await rejoin(scene);
  else if (!rooms.identities("alice").includes("cloud-agent:alice")) return;
  else if (next.kind === "kick") await rooms.removeParticipant("alice", "cloud-agent:alice");
  else if (scene.mediaState() !== "reconnecting" && scene.mediaState() !== "none") {
    rooms.dropTransport("alice", "cloud-agent:alice", { durationMs: 30 });
    await sleep(50);
  }
}

async function rejoin({ harness }: Scene): Promise<void> {
  expect((await harness.client.join(await harness.params("alice"))).success).toBe(true);
}

function expectWellEnded({ events }: TestPlayback, isCancelled: boolean): void {
  const types = events.map(({ type }) => type);
  const ends = types.filter((type) => type === "COMPLETED" || type === "FAILED");
  if (isCancelled) expect(ends.length).toBeLessThanOrEqual(1);
  else expect(ends.length).toBe(1);
  if (ends.length === 1) expect(types.at(-1)).toBe(ends[0]);
  expect(types.lastIndexOf("STARTED")).toBeLessThanOrEqual(0);
  const positions = events.filter(({ type }) => type === "PROGRESS").map(({ position_ms }) => Number(position_ms));
  expect(positions).toEqual(positions.map((_, index) => index * 500));
}

async function expectNothingLeft(scene: Scene): Promise<void> {
  const { bridge, engine, client } = scene.harness;
  await eventually("no playback", () => scene.playbacks() === 0);
  await eventually("no download", () => scene.web.open === 0, 2000);
  const count = (...messages: string[]) => scene.harness.messages().filter((line) => messages.includes(line)).length;
  expect(count("PlayAudio completed", "PlayAudio stopped", "PlayAudio failed")).toBe(count("PlayAudio started"));
  const atMs = performance.now();
  await sleep(30);
  // A source that had been forgotten on its track would still be heard.
  expect(scene.audibleSince(atMs)).toBe(0);
  await client.leave("alice");
  await eventually("the room left", () => engine.counts().rooms === 0);
  expect(engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
  expect(Object.keys(bridge.supervisor.getSnapshot().children)).toEqual([]);
  scene.heard.clear();
}
