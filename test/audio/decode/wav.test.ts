import { describe, expect, it } from "vitest";
import { frequencyOf, level } from "../../support/tone.js";
import type { WavSpec } from "./fixtures.js";
import { ascii, chunk, fmtBody, joined, le16, le32, toneSample, wavFile } from "./fixtures.js";
import { channelOf, decodeAll, refusal } from "./harness.js";

const kinds: readonly (readonly [name: string, spec: WavSpec, tolerance: number])[] = [
  ["8-bit", { bits: 8 }, 129],
  ["16-bit", { bits: 16 }, 0],
  ["24-bit", { bits: 24 }, 1],
  ["32-bit", { bits: 32 }, 1],
  ["20 bits in three bytes", { bits: 20 }, 1],
  ["32-bit float", { tag: 3, bits: 32 }, 1],
  ["64-bit float", { tag: 3, bits: 64 }, 1],
  ["A-law", { tag: 6, bits: 8 }, 600],
  ["µ-law", { tag: 7, bits: 8 }, 600],
];
const rates = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000];

/** What a sample of the tone is in 16 bits. */
const expected = (rateHz: number, channel: number, frame: number) =>
  Math.round(toneSample(rateHz)(channel, frame) * 32_768);

const data = (samples: readonly number[]) => joined(...samples.map(le16));
const headerOf = (...chunks: readonly Uint8Array[]) => joined(ascii("RIFF"), le32(0), ascii("WAVE"), ...chunks);
const fmt = (spec: WavSpec = {}) => chunk("fmt ", fmtBody(spec));

describe("a WAV file", () => {
  it.each(kinds)(
    "plays right to the sample, in mono and stereo, plain and extensible: %s",
    async (_, spec, tolerance) => {
      for (const channels of [1, 2]) {
        for (const mask of [undefined, 3]) {
          const isExtensible = mask === undefined ? {} : { mask };
          const audio = await decodeAll(wavFile({ ...spec, channels, frames: 3_000, ...isExtensible }));
          expect(audio).toMatchObject({ format: "wav", sampleRateHz: 48_000, channels, durationMs: 62.5 });
          expect(audio.samples.length).toBe(3_000 * channels);
          const worst = audio.samples.reduce((most, sample, index) => {
            const right = expected(48_000, index % channels, Math.floor(index / channels));
            return Math.max(most, Math.abs(sample - right));
          }, 0);
          expect(worst).toBeLessThanOrEqual(tolerance);
        }
      }
    },
  );

  it.each(rates)("plays with its tone and exact length at %i Hz", async (rateHz) => {
    const audio = await decodeAll(wavFile({ rateHz, frames: Math.ceil(rateHz / 2) }));
    expect(audio.samples.length).toBe(Math.ceil(rateHz / 2));
    expect(audio.pieceMaxMs).toBeLessThanOrEqual(100);
    expect(Math.abs(frequencyOf(audio.samples, rateHz) - 1_000)).toBeLessThan(2);
  });

  it.each([3, 4, 5, 6, 7, 8])("of %i channels is mixed down to two, louder than neither", async (channels) => {
    const loud = await decodeAll(wavFile({ channels, frames: 960, sample: () => 1 }));
    expect(loud.channels).toBe(2);
    expect(loud.samples.every((sample) => sample > 32_700)).toBe(true);
    const leftOnly = await decodeAll(
      wavFile({ channels, frames: 960, sample: (channel) => (channel === 0 ? 0.5 : 0) }),
    );
    expect(level(channelOf(leftOnly, 0))).toBeGreaterThan(0.15);
    expect(level(channelOf(leftOnly, 1))).toBe(0);
  });

  it("goes by the channel mask where it has one: the lone left front of 4.0 stays left, low effects are left out", async () => {
    const only = (wanted: number) =>
      decodeAll(wavFile({ channels: 4, mask: 0x0f, frames: 96, sample: (channel) => (channel === wanted ? 1 : 0) }));
    expect(level((await only(3)).samples)).toBe(0);
    expect(level(channelOf(await only(0), 1))).toBe(0);
    const center = await only(2);
    expect(level(channelOf(center, 0))).toBeCloseTo(level(channelOf(center, 1)), 5);
    expect(level(center.samples)).toBeGreaterThan(0.3);
  });

  it("is clamped, and silent where a float is no number", async () => {
    const values = [2, -2, NaN, Infinity, -Infinity, 0.5, 1e30];
    const file = wavFile({ tag: 3, bits: 32, frames: values.length, sample: (_, frame) => values[frame] ?? 0 });
    expect([...(await decodeAll(file)).samples]).toEqual([32_767, -32_768, 0, 0, 0, 16_384, 32_767]);
  });

  it.each([0, 0xffff_ffff, 0x7fff_ffff, 0x7fff_f000])("with %i as its data size plays to its end", async (dataSize) => {
    const audio = await decodeAll(wavFile({ dataSize, frames: 1_000 }));
    expect(audio.samples.length).toBe(1_000);
    expect(audio.durationMs).toBeUndefined();
  });

  it("of an odd data size is followed by a byte of padding, and neither that nor what follows is heard", async () => {
    const audio = await decodeAll(wavFile({ bits: 8, frames: 101, behind: chunk("LIST", new Uint8Array(50)) }));
    expect(audio.samples.length).toBe(101);
  });

  it("plays when unknown chunks, of odd sizes too, stand before fmt and before data", async () => {
    const junk = joined(chunk("JUNK", new Uint8Array(27)), chunk("bext", new Uint8Array(602)));
    const audio = await decodeAll(wavFile({ before: junk, between: chunk("fact", new Uint8Array(4)), frames: 480 }));
    expect(audio.samples.length).toBe(480);
  });

  it.each(["RF64", "BW64"] as const)("of 64 bits takes its size from ds64: %s", async (id) => {
    const ds64 = chunk("ds64", joined(le32(0), le32(0), le32(200), le32(0), le32(100), le32(0), le32(0)));
    const spec: WavSpec = { id, before: ds64, dataSize: 0xffff_ffff, frames: 300 };
    expect((await decodeAll(wavFile(spec))).samples.length).toBe(100);
    const unknown = chunk("ds64", joined(...Array.from({ length: 7 }, () => le32(0xffff_ffff))));
    expect((await decodeAll(wavFile({ ...spec, before: unknown }))).samples.length).toBe(300);
    expect((await decodeAll(wavFile({ id, frames: 300 }))).samples.length).toBe(300);
  });

  it("that is cut off plays to its end, without the frame that is not whole", async () => {
    const whole = wavFile({ bits: 24, channels: 2, frames: 1_000 });
    expect((await decodeAll(whole.subarray(0, whole.length - 602))).samples.length).toBe(2 * 899);
  });

  it.each<readonly [string, Uint8Array]>([
    ["damaged: WAV data before its fmt chunk", headerOf(chunk("data", data([1, 2])))],
    ["damaged: WAV file without a fmt chunk", headerOf(chunk("LIST", data([1, 2])))],
    ["damaged: WAV file without a fmt chunk", headerOf()],
    ["damaged: WAV file without a data chunk", headerOf(fmt())],
    ["damaged: WAV fmt chunk of 4294967295 bytes", headerOf(chunk("fmt ", fmtBody({}), 0xffff_ffff))],
    [
      "damaged: WAV fmt chunk of only 14 bytes",
      headerOf(chunk("fmt ", fmtBody({}).subarray(0, 14)), chunk("data", data([1]))),
    ],
    ["damaged: WAV with 0 channels", wavFile({ channels: 0 })],
    ["damaged: WAV with a sample rate of 0 Hz", wavFile({ rateHz: 0 })],
    ["damaged: WAV block align of 3 bytes does not fit 2 × 16 bits", wavFile({ channels: 2, blockAlign: 3 })],
    ["unsupported: WAV with 65535 channels; at most 8 are played", headerOf(fmt({ channels: 65_535, bits: 0 }))],
    ["unsupported: WAV with a sample rate of 4000 Hz; 8000 to 192000 Hz are played", wavFile({ rateHz: 4_000 })],
    [
      "unsupported: WAV with a sample rate of 4294967295 Hz; 8000 to 192000 Hz are played",
      headerOf(fmt({ rateHz: 0xffff_ffff })),
    ],
    ["unsupported: unsupported WAV encoding 0x0002 (ADPCM)", headerOf(fmt({ tag: 2, bits: 4 }))],
    ["unsupported: unsupported WAV encoding 0x0055 (MP3)", headerOf(fmt({ tag: 0x55 }))],
    ["unsupported: unsupported WAV encoding 0x1234", headerOf(fmt({ tag: 0x1234 }))],
    ["unsupported: unsupported WAV encoding: 16-bit float", headerOf(fmt({ tag: 3, bits: 16 }))],
    ["unsupported: unsupported WAV encoding: 4-bit int", headerOf(fmt({ bits: 4 }))],
    ["unsupported: unsupported WAV encoding: 64-bit int", headerOf(fmt({ bits: 64 }))],
    [
      "unsupported: unsupported WAV encoding (unknown sub-format)",
      headerOf(chunk("fmt ", joined(fmtBody({ mask: 3 }).subarray(0, 26), new Uint8Array(14)))),
    ],
    ["empty: the WAV file holds no audio", wavFile({ frames: 0 })],
    ["unsupported: unsupported audio format: looks like big-endian WAV (RIFX)", wavFile({ id: "RIFX" })],
  ])("is refused in words: %s", async (words, file) => {
    expect(await refusal(file)).toBe(words);
  });
});
