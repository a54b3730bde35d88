// The plainest WAV file: PCM16 behind 44 bytes.

export interface WavHeader {
  readonly sampleRateHz: number;
  readonly channels?: number;
  readonly dataBytes: number;
}

export function wavHeader({ sampleRateHz, channels = 1, dataBytes }: WavHeader): Buffer {
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRateHz, 24);
  header.writeUInt32LE(sampleRateHz * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

export function wavOf(samples: Int16Array, sampleRateHz: number, channels = 1): Buffer {
  const header = wavHeader({ sampleRateHz, channels, dataBytes: samples.byteLength });
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]);
}
