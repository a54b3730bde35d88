// Ogg Opus: our own walk through the pages, libopus for the packets. Always 48 kHz.

import { OpusDecoder } from "opus-decoder";
import type { BlockSource } from "./block-source.js";
import { checkSound, damaged, unsupported } from "./decode-error.js";
import { hasText, i16, u16 } from "./little-endian.js";
import type { OggPacket, OggPackets } from "./ogg-packets.js";
import { OggTrim } from "./ogg-trim.js";
import type { Downmix } from "./pcm16.js";
import { downmixOf, interleave, outputChannels, vorbisLayouts } from "./pcm16.js";
import { inStep } from "./step-queue.js";
import { callDecoder, freeDecoder, startDecoder } from "./wasm-call.js";

const RATE_HZ = 48_000;
/** The decoder has room for so many bytes of a packet per channel, which is 256 kbit/s at its longest packets. */
const PACKET_MAX_BYTES_PER_CHANNEL = 3_840;
const HEAD_BYTES = 19;
const NOTHING = new Int16Array(0);

interface OpusHead {
  readonly channels: number;
  /** Samples at the beginning that the decoder needs to settle. */
  readonly preSkip: number;
  readonly gain: number;
  readonly streams: number;
  readonly coupled: number;
  readonly mapping: readonly number[];
}

export async function openOpus(packets: OggPackets): Promise<BlockSource> {
  const first = await packets.next();
  if (first === undefined) throw damaged("damaged Ogg Opus file");
  const head = parseHead(first.bytes);
  return new OpusSource(packets, head, await createDecoder(head));
}

class OpusSource implements BlockSource {
  readonly format = "ogg-opus";
  readonly sampleRateHz = RATE_HZ;
  readonly channels: 1 | 2;
  readonly durationMs = undefined;
  readonly #packets: OggPackets;
  readonly #mix: Downmix | undefined;
  #head: OpusHead;
  #decoder: OpusDecoder | undefined;
  #trim = new OggTrim();
  #skip: number;
  #isClosed = false;

  constructor(packets: OggPackets, head: OpusHead, decoder: OpusDecoder) {
    this.#packets = packets;
    this.#head = head;
    this.#decoder = decoder;
    this.#skip = head.preSkip;
    this.#mix = downmixOf(head.channels, vorbisLayouts[head.channels] ?? "");
    this.channels = outputChannels(head.channels);
  }

  async next(): Promise<Int16Array | undefined> {
    const packet = await this.#packets.next();
    if (packet === undefined) {
      this.close();
      return undefined;
    }
    if (packet.isHead) {
      await this.#restart(parseHead(packet.bytes));
      return NOTHING;
    }
    const room = PACKET_MAX_BYTES_PER_CHANNEL * this.#head.channels;
    const isSound = packet.bytes.length > 0 && packet.bytes.length <= room && !hasText(packet.bytes, 0, "OpusTags");
    return isSound ? inStep(() => this.#decode(packet)) : NOTHING;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#decoder !== undefined) freeDecoder(this.#decoder);
    this.#decoder = undefined;
  }

  #decode(packet: OggPacket): Int16Array {
    const decoder = this.#decoder;
    if (decoder === undefined) return NOTHING;
    const { channelData, samplesDecoded } = callDecoder(() => decoder.decodeFrame(packet.bytes));
    const to = this.#trim.allow(packet, samplesDecoded);
    const from = Math.min(this.#skip, samplesDecoded);
    this.#skip -= from;
    return interleave(channelData, this.#mix, { from, to, gain: this.#head.gain });
  }

  /** The next stream of a chain. It plays on only if it sounds the same. */
  async #restart(head: OpusHead): Promise<void> {
    if (head.channels !== this.#head.channels) throw damaged("the next Ogg stream has other channels");
    const decoder = await createDecoder(head);
    if (this.#isClosed) {
      freeDecoder(decoder);
      return;
    }
    if (this.#decoder !== undefined) freeDecoder(this.#decoder);
    this.#decoder = decoder;
    this.#head = head;
    this.#skip = head.preSkip;
    this.#trim = new OggTrim();
  }
}

function createDecoder({ channels, streams, coupled, mapping }: OpusHead): Promise<OpusDecoder> {
  const options = { channels, streamCount: streams, coupledStreamCount: coupled, preSkip: 0 };
  return startDecoder(() => new OpusDecoder({ ...options, channelMappingTable: [...mapping] }));
}

/** Everything is checked here: the decoder believes what it is told, and reads beyond its memory when that is wrong. */
function parseHead(bytes: Uint8Array): OpusHead {
  if (bytes.length < HEAD_BYTES) throw damaged("damaged Opus header");
  const version = bytes[8] ?? 0;
  if (version >> 4 !== 0) throw unsupported(`unsupported Opus version ${version}`);
  const channels = bytes[9] ?? 0;
  checkSound("Opus", RATE_HZ, channels);
  const preSkip = u16(bytes, 10);
  const gain = 10 ** (i16(bytes, 16) / 256 / 20);
  const family = bytes[18] ?? 0;
  if (family === 0) {
    if (channels > 2) throw damaged(`Opus channel mapping 0 with ${channels} channels`);
    const coupled = channels - 1;
    return { channels, preSkip, gain, streams: 1, coupled, mapping: channels === 1 ? [0] : [0, 1] };
  }
  if (family !== 1) throw unsupported(`unsupported Opus channel mapping ${family}`);
  const [streams = 0, coupled = 0, ...mapping] = bytes.subarray(HEAD_BYTES, HEAD_BYTES + 2 + channels);
  const isSound =
    streams >= 1 &&
    coupled <= streams &&
    streams + coupled <= 16 &&
    mapping.length === channels &&
    mapping.every((index) => index === 255 || index < streams + coupled);
  if (!isSound) throw damaged("damaged Opus channel mapping");
  return { channels, preSkip, gain, streams, coupled, mapping };
}
