import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { oggChecksum } from "../../../src/audio/decode/ogg-page.js";
import { frequencyOf, level } from "../../support/tone.js";
import { apeTag, ascii, fixture, id3v2, joined, le32, toneFiles } from "./fixtures.js";
import { collect, decodeAll, open, refusal } from "./harness.js";

const mp3 = fixture("mp3-48000-1-cbr.mp3");
const opus = fixture("opus-48000-1-speech.opus");
const vorbis = fixture("vorbis-48000-1-q1.ogg");
const flac = fixture("flac-44100-2-16bit.flac");
const rubbish = Uint8Array.from({ length: 3_000 }, (_, index) => (index * 37 + (index >> 5) * 11) & 0xff);
const samplesOf = async (bytes: Uint8Array) => (await decodeAll(bytes)).samples;

describe("an MP3 file", () => {
  it("sounds the same with tags of every kind around it", async () => {
    const plain = await samplesOf(mp3);
    const id3v1 = joined(ascii("TAG"), new Uint8Array(125));
    for (const file of [
      joined(id3v2(100), mp3),
      joined(id3v2(200_000), id3v2(10), mp3, apeTag(500), id3v1),
      joined(apeTag(70_000), mp3, id3v1),
    ]) {
      expect(await samplesOf(file)).toEqual(plain);
    }
  });

  it("begins behind a tag of 100 MB, which is never held in memory, unless the limit is lower", async () => {
    async function* withTag(): AsyncGenerator<Uint8Array> {
      const size = 100 * 1_048_576;
      yield id3v2(0)
        .with(6, size >> 21)
        .with(7, (size >> 14) & 127)
        .with(8, (size >> 7) & 127);
      for (let at = 0; at < size; at += 65_536) yield new Uint8Array(65_536);
      yield mp3;
    }
    const before = process.memoryUsage.rss();
    expect((await collect(await open(withTag()))).samples).toEqual(await samplesOf(mp3));
    expect(process.memoryUsage.rss() - before).toBeLessThan(90_000_000);
    expect(await refusal(withTag(), { preambleMaxBytes: 1_000_000 })).toBe(
      "damaged: no audio in the first 1000000 bytes",
    );
  });

  it("plays through rubbish, and through a tag with a picture, between its frames", async () => {
    const at = 192 * 9;
    for (const middle of [rubbish, id3v2(300_000), new Uint8Array(5_000)]) {
      const audio = await decodeAll(joined(mp3.subarray(0, at), middle, mp3.subarray(at)));
      expect(audio.samples.length).toBe(19_200);
      expect(Math.abs(frequencyOf(audio.samples) - 1_000)).toBeLessThan(10);
    }
  });

  it("of two files in a row plays both", async () => {
    const audio = await decodeAll(joined(mp3, mp3));
    expect(audio.samples.length).toBeGreaterThanOrEqual(2 * 19_200);
    expect(audio.samples.length).toBeLessThan(2 * 19_200 + 3_000);
  });

  it("that is cut off plays all its whole frames", async () => {
    const audio = await decodeAll(mp3.subarray(0, 192 * 10 + 100));
    // One of the ten says how long the file is; the silence in front of the sound is still left out.
    expect(audio.samples.length).toBe(9 * 1_152 - 1_105);
  });

  it("of a free-format bit rate is refused", async () => {
    expect(await refusal(fixture("free-format.mp3"))).toBe("unsupported: unsupported MP3: free-format bit rate");
  });

  it("that ends behind its tag is damaged", async () => {
    expect(await refusal(joined(id3v2(50), rubbish))).toBe("damaged: no audio behind the tag");
    expect(await refusal(id3v2(50))).toMatch(/^damaged: /);
  });
});

describe("an Ogg file", () => {
  it.each([
    ["Opus", opus],
    ["Vorbis", vorbis],
  ] as const)("of several streams in a row plays them all: %s", async (_, file) => {
    const one = await samplesOf(file);
    expect(await samplesOf(joined(file, withSerial(file, 7), withSerial(file, 8)))).toEqual(
      Int16Array.from([...one, ...one, ...one]),
    );
  });

  it.each([
    ["Opus", opus],
    ["Vorbis", vorbis],
  ] as const)("with a damaged page plays the others, and rubbish in between is not heard: %s", async (_, file) => {
    const bad = file.slice();
    bad[file.length - 9] = (bad[file.length - 9] ?? 0) ^ 0xff;
    expect(await samplesOf(joined(bad, withSerial(file, 7)))).toEqual(await samplesOf(file));
    expect(await refusal(bad)).toBe("damaged: nothing in the file could be decoded");
    const end = lastPageAt(file);
    const whole = await samplesOf(file);
    expect(await samplesOf(joined(file.subarray(0, end), rubbish, file.subarray(end)))).toEqual(whole);
  });

  it("of another codec is refused by its name", async () => {
    for (const [head, name] of [
      ["\x7fFLAC", "FLAC"],
      ["Speex   1.2", "Speex"],
      ["\x80theora", "Theora"],
      ["xyz", "unknown"],
    ]) {
      const file = joined(oggPage(1, 0, 2, ascii(head ?? "")), oggPage(1, 1, 0, new Uint8Array(20)));
      expect(await refusal(file)).toBe(`unsupported: unsupported Ogg codec (${name})`);
    }
  });

  it("with a video beside the sound plays the sound", async () => {
    const video = (sequence: number) =>
      oggPage(99, sequence, sequence === 0 ? 2 : 0, joined(ascii("\x80theora"), rubbish));
    const [head, ...rest] = pagesOf(opus);
    const file = joined(video(0), head ?? opus, ...rest.flatMap((page, index) => [video(index + 1), page]));
    expect(await samplesOf(file)).toEqual(await samplesOf(opus));
  });

  it("of Opus is as loud as its header says", async () => {
    const [head = opus, ...rest] = pagesOf(opus);
    const louder = head.slice();
    // The gain, in 256ths of a decibel, follows 28 bytes of page and 16 of header: −6.02 dB.
    louder.set([0xfb, 0xf9], 28 + 16);
    const audio = await decodeAll(joined(resealed(louder), ...rest));
    expect(level(audio.samples) / level(await samplesOf(opus))).toBeCloseTo(0.5, 2);
  });

  it("of Opus with a channel mapping that cannot be is refused before the decoder sees it", async () => {
    const [head = opus, ...rest] = pagesOf(fixture("opus-48000-6-surround.opus"));
    for (const [at, value, words] of [
      [19, 0, "damaged: damaged Opus channel mapping"],
      [20, 200, "damaged: damaged Opus channel mapping"],
      [21, 77, "damaged: damaged Opus channel mapping"],
      [18, 255, "unsupported: unsupported Opus channel mapping 255"],
      [9, 0, "damaged: Opus with 0 channels"],
      [8, 16, "unsupported: unsupported Opus version 16"],
    ] as const) {
      const bad = head.slice();
      bad[28 + at] = value;
      expect(await refusal(joined(resealed(bad), ...rest))).toBe(words);
    }
  });
});

describe("a FLAC file", () => {
  it("is exact: the samples have the checksum that the encoder took", async () => {
    const files = toneFiles.filter(({ name, channels }) => /^flac.*(16bit|fast)/.test(name) && channels < 3);
    for (const name of [...files.map(({ name }) => name), "noise-16000-2.flac"]) {
      const file = fixture(name);
      const { samples } = await decodeAll(file);
      const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
      expect(createHash("md5").update(bytes).digest("hex"), name).toBe(
        Buffer.from(file.subarray(26, 42)).toString("hex"),
      );
    }
  });

  it("with a damaged frame plays all others", async () => {
    const bad = flac.slice();
    bad[3_000] = (bad[3_000] ?? 0) ^ 0x10;
    const whole = await samplesOf(flac);
    const samples = await samplesOf(bad);
    expect(samples.length).toBe(whole.length - 2 * 576);
    expect(samples.slice(-1_000)).toEqual(whole.slice(-1_000));
  });

  it("may have a picture of megabytes and a tag in front, within the limit", async () => {
    const picture = joined(Uint8Array.of(6, 0x2d, 0xc6, 0xc0), new Uint8Array(3_000_000));
    const file = joined(id3v2(100), flac.subarray(0, 42), picture, flac.subarray(42));
    expect(await samplesOf(file)).toEqual(await samplesOf(flac));
    expect(await refusal(file, { preambleMaxBytes: 2_000_000 })).toBe(
      "damaged: no audio in the first 2000000 bytes of the FLAC file",
    );
  });

  it("without its first header, or without frames, is damaged", async () => {
    expect(await refusal(joined(flac.subarray(0, 4), flac.subarray(42)))).toBe(
      "damaged: FLAC file without its STREAMINFO",
    );
    expect(await refusal(flac.subarray(0, 60))).toBe("damaged: FLAC file without sound");
    expect(await refusal(joined(flac.subarray(0, 42), Uint8Array.of(0x81, 0, 0, 0), rubbish))).toMatch(/^damaged: /);
  });
});

describe("a file that is cut off anywhere", () => {
  it.each(["mp3-48000-1-cbr.mp3", "opus-48000-1-speech.opus", "vorbis-48000-1-q1.ogg", "noise-16000-2.flac"])(
    "plays the beginning of what the whole one plays, or is refused: %s",
    async (name) => {
      const file = fixture(name);
      const whole = await samplesOf(file);
      for (let length = 1; length < file.length; length += 97) {
        const words = await refusal(file.subarray(0, length));
        if (words !== "played") {
          expect(words).toMatch(/^(damaged|unsupported): /);
          continue;
        }
        const { samples } = await decodeAll(file.subarray(0, length));
        const common = Math.min(samples.length, whole.length);
        expect(samples.subarray(0, common)).toEqual(whole.subarray(0, common));
      }
    },
  );
});

function oggPage(serial: number, sequence: number, flags: number, packet: Uint8Array): Uint8Array {
  const lacing = [...Array<number>(Math.floor(packet.length / 255)).fill(255), packet.length % 255];
  const head = joined(ascii("OggS\0"), Uint8Array.of(flags), new Uint8Array(8), le32(serial), le32(sequence), le32(0));
  return resealed(joined(head, Uint8Array.of(lacing.length, ...lacing), packet));
}

/** With the checksum that belongs to its bytes. */
function resealed(page: Uint8Array): Uint8Array {
  const sealed = page.slice();
  sealed.set(le32(oggChecksum(page)), 22);
  return sealed;
}

function pagesOf(file: Uint8Array): Uint8Array[] {
  const pages: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    const segments = file[at + 26] ?? 0;
    const body = file.subarray(at + 27, at + 27 + segments).reduce((total, length) => total + length, 0);
    pages.push(file.subarray(at, at + 27 + segments + body));
    at += 27 + segments + body;
  }
  return pages;
}

const lastPageAt = (file: Uint8Array) => file.length - (pagesOf(file).at(-1)?.length ?? 0);

function withSerial(file: Uint8Array, serial: number): Uint8Array {
  return joined(
    ...pagesOf(file).map((page) => {
      const other = page.slice();
      other.set(le32(serial), 14);
      return resealed(other);
    }),
  );
}
