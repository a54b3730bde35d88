import { describe, expect, it } from "vitest";
import { ascii, fixture, joined, wavFile } from "./fixtures.js";
import { decodeAll, inChunks, refusal } from "./harness.js";

const noise = (length: number) =>
  Uint8Array.from({ length }, (_, index) => (index * 7_919 + (index >> 3) * 104_729) & 0x7f);

describe("what is no audio", () => {
  it.each<readonly [string, Uint8Array]>([
    ["HTML", ascii("<!DOCTYPE html><html><body>404 Not Found</body></html>")],
    ["HTML", ascii("\r\n\t <html lang=en>")],
    ["XML or HTML", ascii('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
    ["JSON", ascii('{"error":"not found"}')],
    ["text", ascii("Not Found")],
    ["an M3U or HLS playlist", ascii("#EXTM3U\n#EXT-X-VERSION:3\n")],
    ["MP4 (AAC or ALAC)", joined(Uint8Array.of(0, 0, 0, 32), ascii("ftypM4A "), new Uint8Array(64))],
    ["WebM or Matroska", joined(Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3), new Uint8Array(64))],
    ["AAC (ADTS)", joined(Uint8Array.of(0xff, 0xf1, 0x50, 0x80), new Uint8Array(64))],
    ["AIFF", joined(ascii("FORM\0\0\0\0AIFF"), new Uint8Array(64))],
    ["gzip", joined(Uint8Array.of(0x1f, 0x8b), new Uint8Array(64))],
    ["PDF", ascii("%PDF-1.7\n%\xe2\xe3")],
    ["a PNG image", joined(ascii("\x89PNG\r\n\x1a\n"), new Uint8Array(64))],
    ["a JPEG image", joined(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), new Uint8Array(64))],
    ["a ZIP archive", joined(ascii("PK\x03\x04"), new Uint8Array(64))],
    ["an MPEG transport stream", joined(Uint8Array.of(0x47, 0x40, 0x00, 0x10), new Uint8Array(200))],
    ["a RIFF file that is not WAV", joined(ascii("RIFF\0\0\0\0AVI "), new Uint8Array(64))],
    ["MPEG audio layer II", fixture("layer-2.mp2")],
  ])("is named: %s", async (name, bytes) => {
    expect(await refusal(bytes)).toBe(`unsupported: unsupported audio format: looks like ${name}`);
  });

  it("and looks like nothing is refused without reading more than a bounded part of it", async () => {
    let pulledBytes = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulledBytes += 4_096;
        yield joined(Uint8Array.of(0), noise(4_095));
      }
    }
    expect(await refusal(endless())).toBe("unsupported: unsupported audio format");
    expect(pulledBytes).toBeLessThan(300_000);
  });

  it("because there is nothing, is empty", async () => {
    expect(await refusal(new Uint8Array(0))).toBe("empty: the file is empty");
    expect(await refusal(inChunks(new Uint8Array(0)))).toBe("empty: the file is empty");
  });
});

describe("a file that is too long", () => {
  it("is refused at once when its header says so", async () => {
    const words = "too_long: the audio is longer than 1 s";
    expect(await refusal(wavFile({ frames: 48_001 }), { audioMaxMs: 1_000 })).toBe(words);
    expect((await decodeAll(wavFile({ frames: 48_000 }), { audioMaxMs: 1_000 })).samples.length).toBe(48_000);
  });

  it("plays up to the limit when nobody knew", async () => {
    const file = wavFile({ frames: 9_601, dataSize: 0 });
    expect(await refusal(file, { audioMaxMs: 200 })).toBe("too_long: the audio is longer than 0.2 s");
    expect((await decodeAll(wavFile({ frames: 9_600, dataSize: 0 }), { audioMaxMs: 200 })).samples.length).toBe(9_600);
  });
});
