import { OpusDecoder } from "opus-decoder";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createOpusEncoder, loadOpus } from "../../../src/livekit/datachannel/opus-encoder.js";
import { speechLike } from "../../support/speech-like.js";
import { frequencyOf, level, shareAt, tone } from "../../support/tone.js";

const SAMPLES_PER_FRAME = 960;
const MONO = { sampleRateHz: 48_000, channels: 1 } as const;
const STEREO = { sampleRateHz: 48_000, channels: 2 } as const;
/** By so few bytes Opus says that a frame need not be sent. */
const DTX_MAX_BYTES = 2;

function encoderOf(format: typeof MONO | typeof STEREO) {
  const encoder = createOpusEncoder(format);
  onTestFinished(() => encoder.release());
  return encoder;
}

function framesOf(samples: Int16Array, channels = 1): Int16Array[] {
  const length = SAMPLES_PER_FRAME * channels;
  return Array.from({ length: Math.floor(samples.length / length) }, (_, at) =>
    samples.subarray(at * length, (at + 1) * length),
  );
}

function interleaved(left: Int16Array, right: Int16Array): Int16Array {
  return Int16Array.from({ length: 2 * left.length }, (_, at) => (at % 2 === 0 ? left : right)[at >> 1] ?? 0);
}

/** One array for each channel, without the first 100 ms, in which the codec settles. */
async function decode(packets: readonly Uint8Array[], channels: 1 | 2): Promise<Int16Array[]> {
  const layout = {
    streamCount: 1,
    coupledStreamCount: channels - 1,
    channelMappingTable: channels === 2 ? [0, 1] : [0],
  };
  const decoder = new OpusDecoder({ channels, preSkip: 0, ...layout });
  await decoder.ready;
  onTestFinished(() => decoder.free());
  const { channelData, errors } = decoder.decodeFrames([...packets]);
  expect(errors).toEqual([]);
  return channelData.map((samples) => Int16Array.from(samples.subarray(4800), (sample) => sample * 32_767));
}

const hum = (frequencyHz: number, durationMs = 1000) => tone({ frequencyHz, durationMs });
const silence = (channels: 1 | 2) => new Int16Array(SAMPLES_PER_FRAME * channels);

/** Bytes of the module's memory, which never shrinks, and of little else that is not JavaScript. */
const nativeBytes = () => process.memoryUsage().external;

beforeAll(loadOpus);

describe("an Opus encoder", () => {
  it("keeps a tone's pitch and loudness", async () => {
    const encoder = encoderOf(MONO);
    const [heard = new Int16Array()] = await decode(framesOf(hum(440)).map(encoder.encode), 1);
    expect(heard).toHaveLength(48_000 - 4800);
    expect(frequencyOf(heard)).toBeCloseTo(440, 0);
    expect(shareAt(heard, 440)).toBeGreaterThan(0.99);
    expect(level(heard)).toBeCloseTo(level(hum(440)), 2);
  });

  it("keeps the two channels of stereo apart", async () => {
    const encoder = encoderOf(STEREO);
    const packets = framesOf(interleaved(hum(440), hum(1000)), 2).map(encoder.encode);
    const [left = new Int16Array(), right = new Int16Array()] = await decode(packets, 2);
    expect(shareAt(left, 440)).toBeGreaterThan(0.98);
    expect(shareAt(right, 1000)).toBeGreaterThan(0.98);
  });

  it.each([
    ["mono", MONO, 64_000],
    ["stereo", STEREO, 96_000],
  ] as const)("stays near its bitrate with the loudest noise: %s", (_, format, bitrateBps) => {
    const encoder = encoderOf(format);
    let state = 1;
    const noise = Int16Array.from({ length: 48_000 * format.channels }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state >> 16;
    });
    const bytes = framesOf(noise, format.channels).reduce((sum, frame) => sum + encoder.encode(frame).length, 0);
    expect(bytes * 8).toBeGreaterThan(bitrateBps * 0.8);
    expect(bytes * 8).toBeLessThan(bitrateBps * 1.2);
  });

  it.each([
    ["mono", MONO],
    ["stereo", STEREO],
  ] as const)("says of silence that it need not be sent, but for a few frames: %s", (_, format) => {
    const encoder = encoderOf(format);
    for (const frame of framesOf(format.channels === 1 ? hum(440) : interleaved(hum(440), hum(440)), format.channels)) {
      expect(encoder.encode(frame).length).toBeGreaterThan(DTX_MAX_BYTES);
    }
    const sizes = Array.from({ length: 100 }, () => encoder.encode(silence(format.channels)).length);
    expect(sizes.slice(15).filter((size) => size > DTX_MAX_BYTES).length).toBeLessThan(6);
  });

  it("says so of the faint noise of a pause in speech as well", () => {
    const encoder = encoderOf(MONO);
    for (const frame of framesOf(speechLike(2000))) encoder.encode(frame);
    const hiss = (at: number) => Int16Array.from({ length: SAMPLES_PER_FRAME }, (_, i) => ((i * 7 + at * 13) % 7) - 3);
    const sizes = Array.from({ length: 100 }, (_, at) => encoder.encode(hiss(at)).length);
    expect(sizes.filter((size) => size <= DTX_MAX_BYTES).length).toBeGreaterThan(50);
  });

  it.each([
    ["mono", MONO],
    ["stereo", STEREO],
  ] as const)("never leaves the cheap mode, not even for speech: %s", (_, format) => {
    const encoder = encoderOf(format);
    const speech = speechLike(4000);
    const frames = framesOf(format.channels === 1 ? speech : interleaved(speech, speech), format.channels);
    // RFC 6716, table 2: the first five bits, from 16 on, are those of CELT.
    const isCelt = frames.map((frame) => (encoder.encode(frame)[0] ?? 0) >> 3 >= 16);
    expect(isCelt).not.toContain(false);
  });

  it("refuses a frame of any length but 20 ms, and goes on with the next", () => {
    const encoder = encoderOf(STEREO);
    // 10 ms and 40 ms are frames that libopus would take.
    for (const length of [0, 1, 960, 1919, 1921, 3840]) {
      expect(() => encoder.encode(new Int16Array(length))).toThrow(`${length} samples instead of 1920`);
    }
    expect(encoder.encode(silence(2)).length).toBeGreaterThan(0);
  });

  it("hands out bytes that later frames leave alone", () => {
    const encoder = encoderOf(MONO);
    const [first = silence(1), ...rest] = framesOf(hum(440));
    const packet = encoder.encode(first);
    const kept = packet.slice();
    for (const frame of rest) encoder.encode(frame);
    expect(packet).toEqual(kept);
  });

  it("is not disturbed by another one, nor by those that came and went before", () => {
    const [low, high] = [framesOf(hum(200)), framesOf(hum(3000))];
    const alone = encoderOf(MONO);
    const expected = low.map(alone.encode);
    alone.release();
    const [one, other] = [encoderOf(MONO), encoderOf(MONO)];
    const actual = low.map((frame, at) => {
      other.encode(high[at] ?? silence(1));
      return one.encode(frame);
    });
    expect(actual).toEqual(expected);
  });
});

describe("a released Opus encoder", () => {
  it("may be released again, and encodes no more", () => {
    const [encoder, other] = [encoderOf(MONO), encoderOf(MONO)];
    encoder.release();
    encoder.release();
    expect(() => encoder.encode(silence(1))).toThrow("released");
    expect(other.encode(silence(1)).length).toBeGreaterThan(0);
  });

  it("does not take the memory of its successor along when it is released again", () => {
    const expected = framesOf(hum(440)).map(encoderOf(MONO).encode);
    const gone = encoderOf(MONO);
    gone.release();
    const successor = encoderOf(MONO);
    gone.release();
    const intruder = encoderOf(MONO);
    const actual = framesOf(hum(440)).map((frame) => {
      intruder.encode(silence(1));
      return successor.encode(frame);
    });
    expect(actual).toEqual(expected);
  });

  it("has given its memory back at once: a thousand need no more than one", () => {
    const frame = silence(1);
    const cycle = () => {
      const encoder = createOpusEncoder(MONO);
      encoder.encode(frame);
      encoder.release();
    };
    cycle();
    const beforeBytes = nativeBytes();
    // Not a turn of the event loop lies between, so that no garbage collector can help.
    for (let i = 0; i < 1000; i += 1) cycle();
    expect(nativeBytes() - beforeBytes).toBeLessThan(2_000_000);
  });
});
