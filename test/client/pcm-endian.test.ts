import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PcmEndian, type PcmEndianSetting, readPcmEndianSetting } from "../../src/client/audio/pcm-endian.js";
import { silentLogger } from "../../src/client/log.js";

const FRAME_SAMPLES = 320;

type Sample = (index: number) => number;

/** A frame of 20 ms in the right order. */
function little(sample: Sample, samples = FRAME_SAMPLES): Buffer {
  const pcm = Buffer.alloc(samples * 2);
  for (let index = 0; index < samples; index++) pcm.writeInt16LE(Math.round(sample(index)), index * 2);
  return pcm;
}

/** The same with the bytes of each sample the other way round. */
const big = (sample: Sample, samples?: number) => little(sample, samples).swap16();

const tone =
  (amplitude: number): Sample =>
  (index) =>
    amplitude * Math.sin(index * 0.173);

function noise(amplitude: number): Sample {
  let state = 12_345;
  return () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state / 0x7fffffff) * 2 * amplitude - amplitude;
  };
}

function setUp(setting: PcmEndianSetting) {
  const lines: object[] = [];
  const logger = { ...silentLogger, info: (fields: object) => void lines.push(fields) };
  const endian = new PcmEndian({ setting, logger });
  const feed = (frames: number, frame: () => Buffer) => {
    for (let sent = 0; sent < frames; sent++) endian.normalise(frame());
  };
  return { endian, lines, feed };
}

describe("LIVEKIT_PCM_ENDIAN", () => {
  test.each([
    [undefined, "off"],
    ["", "off"],
    ["off", "off"],
    ["swap", "swap"],
    [" Auto ", "auto"],
  ])("%j means %s", (value, setting) => {
    expect(readPcmEndianSetting(value === undefined ? {} : { LIVEKIT_PCM_ENDIAN: value })).toBe(setting);
  });

  test.each(["big", "true", "le", "off,swap"])(
    "%j is refused with the variable's name and its three values",
    (value) => {
      expect(() => readPcmEndianSetting({ LIVEKIT_PCM_ENDIAN: value })).toThrow(
        expect.objectContaining({
          code: "invalid_argument",
          message: `LIVEKIT_PCM_ENDIAN must be off, swap or auto, not "${value}"`,
        }),
      );
    },
  );
});

describe("off", () => {
  test("touches nothing, whatever the audio looks like, and says nothing", () => {
    const { endian, lines } = setUp("off");
    for (let sent = 0; sent < 50; sent++) {
      const frame = big(tone(100));
      expect(endian.normalise(frame)).toBe(frame);
    }
    expect(endian.decision).toBe("keep");
    expect(lines).toEqual([]);
  });

  test("passes a little-endian tone bit for bit", () => {
    const { endian } = setUp("off");
    expect(endian.normalise(little(tone(12_000))).equals(little(tone(12_000)))).toBe(true);
  });
});

describe("swap", () => {
  test("swaps every packet from the first on, and is logged once", () => {
    const { endian, lines } = setUp("swap");
    for (const sample of [tone(100), tone(20_000), noise(30_000)]) {
      const frame = little(sample);
      expect(endian.normalise(Buffer.from(frame).swap16()).equals(frame)).toBe(true);
    }
    expect(lines).toEqual([expect.objectContaining({ setting: "swap", decision: "swap" })]);
  });
});

describe("auto", () => {
  test.each<readonly [string, Sample, "keep" | "swap" | undefined, "keep" | "swap" | undefined]>([
    ["a quiet tone", tone(100), "keep", "swap"],
    ["a very quiet tone", tone(40), "keep", "swap"],
    ["quiet noise", noise(120), "keep", "swap"],
    ["a tone neither quiet nor loud", tone(700), undefined, undefined],
    ["a loud tone", tone(20_000), undefined, undefined],
    ["loud noise", noise(32_000), undefined, undefined],
    ["digital silence", () => 0, undefined, undefined],
    ["a hum below any speech", tone(10), undefined, undefined],
    [
      "a quiet tone cut into pieces by silence",
      (index) => (index % 100 < 50 ? 0 : tone(100)(index)),
      undefined,
      undefined,
    ],
    ["the noise of a converter, one bit high", (index) => (index % 3) - 1, undefined, undefined],
    ["8-bit audio made 16 bits wide", (index) => Math.round(tone(100)(index)) * 256, undefined, undefined],
    ["a constant", () => 5, undefined, undefined],
  ])("judges %s, in the right order and in the wrong one", (_, sample, ifLittle, ifBig) => {
    const [ofLittle, ofBig] = [setUp("auto"), setUp("auto")];
    ofLittle.feed(100, () => little(sample));
    ofBig.feed(100, () => big(sample));
    expect([ofLittle.endian.decision, ofBig.endian.decision]).toEqual([ifLittle, ifBig]);
  });

  test("swaps nothing until six packets with energy have spoken, then every packet, and logs it once", () => {
    const { endian, lines, feed } = setUp("auto");
    const [silent, loud, quiet] = [big(() => 0), big(tone(20_000)), big(tone(100))];
    feed(20, () => silent);
    for (let sent = 0; sent < 5; sent++) {
      expect(endian.normalise(quiet)).toBe(quiet);
      expect(endian.normalise(loud)).toBe(loud);
    }
    expect([endian.decision, lines.length]).toEqual([undefined, 0]);
    expect(endian.normalise(quiet).equals(little(tone(100)))).toBe(true);
    expect(endian.normalise(loud).equals(little(tone(20_000)))).toBe(true);
    expect(lines).toEqual([{ setting: "auto", decision: "swap", littlePackets: 0, bigPackets: 6 }]);
  });

  test("needs a lead of six: packets that contradict each other count against each other", () => {
    const { endian, feed } = setUp("auto");
    for (let sent = 0; sent < 20; sent++) {
      feed(1, () => big(tone(100)));
      feed(1, () => little(tone(100)));
    }
    expect(endian.decision).toBeUndefined();
    feed(5, () => big(tone(100)));
    expect(endian.decision).toBeUndefined();
    feed(1, () => big(tone(100)));
    expect(endian.decision).toBe("swap");
  });

  test.each(["keep", "swap"] as const)(
    "never flips: once it is %s, a thousand packets of the other order change nothing",
    (decision) => {
      const { endian, lines, feed } = setUp("auto");
      const [first, other] = decision === "keep" ? [little, big] : [big, little];
      feed(10, () => first(tone(100)));
      feed(1000, () => other(tone(100)));
      expect([endian.decision, lines.length]).toEqual([decision, 1]);
    },
  );

  test("is not led by packets too short to tell", () => {
    const { endian, feed } = setUp("auto");
    feed(100, () => big(tone(100), 40));
    expect(endian.decision).toBeUndefined();
  });
});

describe("in every setting", () => {
  const settings = ["off", "swap", "auto"] as const;

  test.each(settings)("%s cuts an odd byte off before anything is swapped", (setting) => {
    const { endian } = setUp(setting);
    const odd = Buffer.concat([little(tone(100)), Buffer.of(0x7f)]);
    const expected = setting === "swap" ? big(tone(100)) : little(tone(100));
    expect(endian.normalise(odd).equals(expected)).toBe(true);
    expect(endian.normalise(Buffer.of(0x7f))).toHaveLength(0);
    expect(endian.normalise(Buffer.alloc(0))).toHaveLength(0);
  });

  test.each(settings)("%s never writes into the packet", (setting) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 12 }), (packets) => {
        const { endian, feed } = setUp(setting);
        if (setting === "auto") feed(6, () => big(tone(100)));
        for (const packet of packets) {
          const before = Buffer.from(packet);
          endian.normalise(Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength));
          expect(before.equals(packet)).toBe(true);
        }
      }),
    );
  });
});
