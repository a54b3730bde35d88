// How long a play takes to be heard and a stop to fall silent, and what a playing track costs, each beside its control in
// the same run: a publisher on rtc-node's own classes in the same room, and the same process with nothing to play.
//
//   npm run bench:playback -- [--rounds 20] [--cold 10] [--cpu-seconds 10] [--json]

import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { joinDirectPublisher } from "../test/support/direct-publisher.js";
import type { DirectPublisher } from "../test/support/direct-publisher.js";
import { wavHeaderOfEndless } from "../test/support/encode.js";
import { firstSound, lastSound } from "../test/support/listening.js";
import type { PlaybackScene, PlaybackUser } from "../test/support/playback-scene.js";
import { pause, startPlaybackScene } from "../test/support/playback-scene.js";
import { tone } from "../test/support/tone.js";

interface Options {
  readonly rounds: number;
  readonly coldRounds: number;
  readonly cpuSeconds: number;
}

/** Milliseconds, as the phone heard them. */
interface Comparison {
  readonly what: string;
  readonly bridgeMs: readonly number[];
  readonly controlMs: readonly number[];
}

interface CpuUse {
  readonly what: string;
  readonly tracks: number;
  /** Percent of one core. */
  readonly percent: number;
}

const CLIP_MS = 300;
const TONE_HZ = 440;
const CLOCK_TICKS_PER_SECOND = 100;

class Bench {
  readonly #scene: PlaybackScene;
  readonly #options: Options;

  constructor(scene: PlaybackScene, options: Options) {
    this.#scene = scene;
    this.#options = options;
  }

  /** From the call to the first sound where nothing has been played before: the track is published on the way. */
  async coldTracks(): Promise<Comparison> {
    const bridgeMs: number[] = [];
    const controlMs: number[] = [];
    for (let round = 0; round < this.#options.coldRounds; round += 1) {
      const room = `cold-${round}`;
      const user = await this.#scene.user(room);
      const direct = await joinDirectPublisher(this.#scene, { room, trackName: "direct" });
      bridgeMs.push(await this.#untilHeard(user));
      controlMs.push(await this.#untilHeardDirectly(user, direct));
      await direct.leave();
      await user.leave();
      await user.phone.leave();
    }
    return { what: "call to first sound, cold track", bridgeMs, controlMs };
  }

  async warmTracks(user: PlaybackUser, direct: DirectPublisher): Promise<Comparison> {
    const bridgeMs: number[] = [];
    const controlMs: number[] = [];
    for (let round = -1; round < this.#options.rounds; round += 1) {
      const [bridge, control] = [await this.#untilHeard(user), await this.#untilHeardDirectly(user, direct)];
      // The first round warms both tracks.
      if (round < 0) continue;
      bridgeMs.push(bridge);
      controlMs.push(control);
    }
    return { what: "call to first sound, warm track", bridgeMs, controlMs };
  }

  async stops(user: PlaybackUser, direct: DirectPublisher): Promise<Comparison[]> {
    const stopMs: number[] = [];
    const interruptMs: number[] = [];
    const controlMs: number[] = [];
    for (let round = 0; round < this.#options.rounds; round += 1) {
      stopMs.push(await this.#untilSilent(user, () => user.client.stop({ user_id: user.name, reason: "bench" })));
      // By a silent play on another track, so that the end can be heard.
      const changes = { stop_other: true, track_id: 1, volume: 0 };
      const url = this.#scene.toneUrl(TONE_HZ, CLIP_MS);
      interruptMs.push(await this.#untilSilent(user, () => user.play(url, changes).ended));
      controlMs.push(await this.#untilSilentDirectly(user, direct));
    }
    return [
      { what: "StopAudio to silence", bridgeMs: stopMs, controlMs },
      { what: "stop_other to silence", bridgeMs: interruptMs, controlMs },
    ];
  }

  async #untilHeard(user: PlaybackUser): Promise<number> {
    const startMs = performance.now();
    const play = user.play(this.#scene.toneUrl(TONE_HZ, CLIP_MS));
    const heardMs = (await firstSound(user.phone, "speaker", startMs)) - startMs;
    await play.ended;
    await lastSound(user.phone, "speaker", startMs);
    return heardMs;
  }

  async #untilHeardDirectly(user: PlaybackUser, direct: DirectPublisher): Promise<number> {
    // Longer than what a cold track loses before anybody listens.
    const startMs = direct.play(tone({ frequencyHz: TONE_HZ, durationMs: 2 * CLIP_MS }));
    const heardMs = (await firstSound(user.phone, "direct", startMs)) - startMs;
    await lastSound(user.phone, "direct", startMs);
    return heardMs;
  }

  async #untilSilent(user: PlaybackUser, stop: () => Promise<unknown>): Promise<number> {
    const startMs = performance.now();
    const play = user.play(this.#scene.toneUrl(TONE_HZ, 5000));
    await firstSound(user.phone, "speaker", startMs);
    await pause(300);
    const stopMs = performance.now();
    const stopped = stop();
    const silentMs = (await lastSound(user.phone, "speaker", stopMs)) - stopMs;
    await Promise.all([stopped, play.ended]);
    return silentMs;
  }

  async #untilSilentDirectly(user: PlaybackUser, direct: DirectPublisher): Promise<number> {
    const startMs = direct.play(tone({ frequencyHz: TONE_HZ, durationMs: 5000 }));
    await firstSound(user.phone, "direct", startMs);
    await pause(300);
    const stopMs = direct.stop();
    return (await lastSound(user.phone, "direct", stopMs)) - stopMs;
  }

  async cpu(user: PlaybackUser): Promise<CpuUse[]> {
    const wav = this.#endlessWav();
    const mp3 = await this.#longMp3();
    const uses = [await this.#cpuWhile(user, { what: "idle: joined, nothing plays", tracks: 0, url: "" })];
    uses.push(await this.#cpuWhile(user, { what: "WAV 48 kHz mono", tracks: 1, url: wav }));
    uses.push(await this.#cpuWhile(user, { what: "WAV 48 kHz mono", tracks: 3, url: wav }));
    uses.push(await this.#cpuWhile(user, { what: "MP3 44.1 kHz stereo", tracks: 1, url: mp3 }));
    uses.push(await this.#cpuWhile(user, { what: "MP3 44.1 kHz stereo", tracks: 3, url: mp3 }));
    return uses;
  }

  async #cpuWhile(user: PlaybackUser, load: { what: string; tracks: number; url: string }): Promise<CpuUse> {
    const { what, tracks, url } = load;
    const plays = Array.from({ length: tracks }, (_, track_id) => user.play(url, { track_id }));
    // Longer than the start of the plays and than the tail of those before.
    await pause(2000);
    const [startTicks, startMs] = [await cpuTicks(this.#scene.bridge.pid), performance.now()];
    await pause(this.#options.cpuSeconds * 1000);
    const seconds = (performance.now() - startMs) / 1000;
    const ticks = (await cpuTicks(this.#scene.bridge.pid)) - startTicks;
    await user.client.stop({ user_id: user.name, reason: "measured" });
    await Promise.all(plays.map(({ ended }) => ended));
    return { what, tracks, percent: ((ticks / CLOCK_TICKS_PER_SECOND) * 100) / seconds };
  }

  #endlessWav(): string {
    const second = Buffer.from(tone({ frequencyHz: TONE_HZ, durationMs: 1000 }).buffer);
    return this.#scene.web.add("/endless.wav", (_request, response) => {
      response.writeHead(200);
      response.write(Buffer.concat([wavHeaderOfEndless(48_000), second]));
      const timer = setInterval(() => response.write(second), 950);
      response.once("close", () => clearInterval(timer));
    });
  }

  async #longMp3(): Promise<string> {
    const file = new URL("../test/integration/fixtures/tone-1100-44100-2.mp3", import.meta.url);
    const clip = await readFile(file);
    return this.#scene.web.add("/long.mp3", Buffer.concat(Array.from({ length: 120 }, () => clip)));
  }
}

/** User and system time of a process so far; not a number where there is no /proc. */
async function cpuTicks(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function summarise({ what, bridgeMs, controlMs }: Comparison) {
  const [bridgeP50Ms, bridgeP95Ms] = [percentile(bridgeMs, 0.5), percentile(bridgeMs, 0.95)];
  const [controlP50Ms, controlP95Ms] = [percentile(controlMs, 0.5), percentile(controlMs, 0.95)];
  const ratioP50 = bridgeP50Ms / controlP50Ms;
  return { what, count: bridgeMs.length, bridgeP50Ms, bridgeP95Ms, controlP50Ms, controlP95Ms, ratioP50 };
}

function print(comparisons: readonly ReturnType<typeof summarise>[], cpu: readonly CpuUse[]): void {
  const ms = (value: number) => value.toFixed(0).padStart(5);
  console.log(`${cpus().length} cores, Node ${process.version}; milliseconds at the phone, p50 and p95`);
  console.log(`${"".padEnd(34)}     n  bridge p50   p95  control p50   p95  ratio p50`);
  for (const row of comparisons) {
    const bridge = `${ms(row.bridgeP50Ms).padStart(11)} ${ms(row.bridgeP95Ms)}`;
    const control = `${ms(row.controlP50Ms).padStart(12)} ${ms(row.controlP95Ms)}`;
    const count = String(row.count).padStart(4);
    console.log(`${row.what.padEnd(34)}  ${count} ${bridge} ${control} ${row.ratioP50.toFixed(2).padStart(10)}`);
  }
  const idle = cpu[0]?.percent ?? 0;
  console.log(`\n${"CPU of the bridge, % of a core".padEnd(34)} tracks  total  per track beyond idle`);
  for (const { what, tracks, percent } of cpu) {
    const share = tracks === 0 ? "" : ((percent - idle) / tracks).toFixed(1);
    console.log(
      `${what.padEnd(34)} ${String(tracks).padStart(6)} ${percent.toFixed(1).padStart(6)} ${share.padStart(22)}`,
    );
  }
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    cold: { type: "string", default: "10" },
    "cpu-seconds": { type: "string", default: "10" },
    json: { type: "boolean", default: false },
  },
});
const scene = await startPlaybackScene();
try {
  const options = {
    rounds: Number(values.rounds),
    coldRounds: Number(values.cold),
    cpuSeconds: Number(values["cpu-seconds"]),
  };
  const bench = new Bench(scene, options);
  const cold = await bench.coldTracks();
  const user = await scene.user("bench");
  const direct = await joinDirectPublisher(scene, { room: "bench", trackName: "direct" });
  const comparisons = [cold, await bench.warmTracks(user, direct), ...(await bench.stops(user, direct))];
  await direct.leave();
  const cpu = await bench.cpu(user);
  if (values.json) console.log(JSON.stringify({ cores: cpus().length, comparisons, cpu }));
  else print(comparisons.map(summarise), cpu);
} finally {
  await scene.stop();
}
