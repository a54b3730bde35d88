// Opus encoders that npm has, in turns on the same sounds and with the settings of ours: what 0008-opus-encoder.md compares.
// They are no dependencies, and wait in a folder of their own:
//
//   npm install --prefix DIR @evan/opus@1.0.3 libopus-wasm@0.4.0
//   npx tsx bench/opus-candidates.ts DIR

import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { speechLike } from "../test/support/speech-like.js";
import { framesOf } from "./micro/opus.js";
import { compare, cpuNsPerUnit, printComparison } from "./micro/rounds.js";

type Encode = (frame: Int16Array) => Uint8Array;

interface Settings {
  readonly channels: 1 | 2;
  readonly application: "audio" | "restricted_lowdelay";
  readonly isFecOn: boolean;
}

interface CtlEncoder {
  ctl(request: number, value: number): void;
  encode(frame: Int16Array): Uint8Array;
}

type EvanOpus = {
  readonly Encoder: new (options: { channels: number; sample_rate: number; application: string }) => CtlEncoder;
};

interface LibopusWasm {
  createEncoder(options: object): Promise<{ encode(frame: Int16Array): Uint8Array }>;
}

const DURATION_MS = 4000;
const ROUNDS = 7;
const COMPLEXITY = 7;
const LOSS_PERCENT = 5;

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: npx tsx bench/opus-candidates.ts DIR");
const root = resolve(folder, "node_modules");
const load = createRequire(join(root, "x.js"));
const libopusWasm = (await import(pathToFileURL(join(root, "libopus-wasm/dist/index.js")).href)) as LibopusWasm;

const bitrateOf = (channels: 1 | 2) => (channels === 1 ? 48_000 : 64_000);

function evan({ Encoder }: EvanOpus, { channels, application, isFecOn }: Settings): Encode {
  const encoder = new Encoder({ channels, sample_rate: 48_000, application });
  encoder.ctl(4002, bitrateOf(channels));
  encoder.ctl(4010, COMPLEXITY);
  encoder.ctl(4012, Number(isFecOn));
  encoder.ctl(4014, LOSS_PERCENT);
  encoder.ctl(4016, 1);
  return (frame) => encoder.encode(frame);
}

async function libopus({ channels, application, isFecOn }: Settings): Promise<Encode> {
  const encoder = await libopusWasm.createEncoder({
    channels,
    application: application === "audio" ? 2049 : 2051,
    bitrate: bitrateOf(channels),
    complexity: COMPLEXITY,
    fec: isFecOn,
    packetLossPercent: LOSS_PERCENT,
    dtx: true,
  });
  return (frame) => encoder.encode(frame);
}

const wasmBuild = load("@evan/opus/wasm/index.js") as EvanOpus;
const nativeBuild = load("@evan/opus/node/index.js") as EvanOpus;
const candidates: Readonly<Record<string, (settings: Settings) => Encode | Promise<Encode>>> = {
  "@evan/opus, WASM": (settings) => evan(wasmBuild, settings),
  "control: the same again": (settings) => evan(wasmBuild, settings),
  "@evan/opus, native": (settings) => evan(nativeBuild, settings),
  "libopus-wasm": libopus,
};

/** Chords of decaying harmonics, a drum on every note. */
function musicLike(durationMs: number): Int16Array {
  const sound = new Float64Array(48 * durationMs);
  let state = 11;
  for (let start = 0, note = 0; start < sound.length; start += 6000, note += 1) {
    const hz = 110 * 2 ** (((note * 7) % 24) / 12);
    for (let i = 0; i < 30_000 && start + i < sound.length; i += 1) {
      let sample = 0;
      for (let harmonic = 1; harmonic <= 12; harmonic += 1)
        sample += Math.sin((2 * Math.PI * hz * harmonic * i) / 48_000) / harmonic;
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      sound[start + i] =
        (sound[start + i] ?? 0) + sample * Math.exp(-i / 9000) + (state / 2 ** 31) * Math.exp(-i / 400);
    }
  }
  return Int16Array.from(sound, (sample) => 4000 * sample);
}

const sounds = {
  speech: speechLike(DURATION_MS),
  music: musicLike(DURATION_MS),
  silence: new Int16Array(48 * DURATION_MS),
};
const modes = [
  { application: "restricted_lowdelay", isFecOn: false },
  { application: "audio", isFecOn: true },
] as const;

for (const mode of modes) {
  for (const channels of [1, 2] as const) {
    for (const [sound, samples] of Object.entries(sounds)) {
      const frames = framesOf(samples, channels);
      const variants = [];
      for (const [name, create] of Object.entries(candidates)) {
        const encode = await create({ ...mode, channels });
        const run = () => cpuNsPerUnit(frames.length, () => frames.forEach(encode));
        variants.push({ name, run });
      }
      const fec = mode.isFecOn ? "with" : "without";
      const title = `${sound}, ${channels === 1 ? "mono" : "stereo"}, ${mode.application}, ${fec} in-band FEC`;
      console.log(`${printComparison(await compare({ title, unit: "frame", rounds: ROUNDS }, variants))}\n`);
    }
  }
}
