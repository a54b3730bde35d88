// Ogg Vorbis: our own walk through the pages, libvorbis for the packets.

import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis";
import type { BlockSource } from "./block-source.js";
import { checkSound, damaged } from "./decode-error.js";
import { hasText, u32 } from "./little-endian.js";
import type { OggPacket, OggPackets } from "./ogg-packets.js";
import { OggTrim } from "./ogg-trim.js";
import type { Downmix } from "./pcm16.js";
import { downmixOf, interleave, outputChannels, vorbisLayouts } from "./pcm16.js";
import { inStep } from "./step-queue.js";
import { brokenDecoder, callDecoder, freeDecoder, startDecoder } from "./wasm-call.js";

const HEAD_BYTES = 30;
const BLOCK_MIN_BITS = 6;
const BLOCK_MAX_BITS = 13;
const NOTHING = new Int16Array(0);

/** The decoder takes pages as another package parses them; these are the parts of such a page that it reads. */
type PageOfDecoder = Parameters<OggVorbisDecoder["decodeOggPages"]>[0][number];
type Decoded = Awaited<ReturnType<OggVorbisDecoder["decodeOggPages"]>>;

interface VorbisHead {
  readonly bytes: Uint8Array;
  readonly channels: number;
  readonly sampleRateHz: number;
}

interface VorbisSetup {
  readonly head: VorbisHead;
  readonly setup: Uint8Array;
}

export async function openVorbis(packets: OggPackets): Promise<BlockSource> {
  const first = await packets.next();
  const setup = first === undefined ? undefined : await readSetup(packets, first);
  if (setup === undefined) throw damaged("damaged Ogg Vorbis file");
  return new VorbisSource(packets, setup, await createDecoder());
}

class VorbisSource implements BlockSource {
  readonly format = "ogg-vorbis";
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  readonly durationMs = undefined;
  readonly #packets: OggPackets;
  readonly #head: VorbisHead;
  readonly #mix: Downmix | undefined;
  #decoder: OggVorbisDecoder | undefined;
  /** To be told to the decoder together with the first packet. */
  #setup: VorbisSetup | undefined;
  #trim = new OggTrim();
  #isClosed = false;

  constructor(packets: OggPackets, setup: VorbisSetup, decoder: OggVorbisDecoder) {
    this.#packets = packets;
    this.#head = setup.head;
    this.#setup = setup;
    this.#decoder = decoder;
    this.#mix = downmixOf(this.#head.channels, vorbisLayouts[this.#head.channels] ?? "");
    this.sampleRateHz = this.#head.sampleRateHz;
    this.channels = outputChannels(this.#head.channels);
  }

  async next(): Promise<Int16Array | undefined> {
    const packet = await this.#packets.next();
    if (packet === undefined || this.#isClosed) {
      this.close();
      return undefined;
    }
    if (packet.isHead) {
      await this.#restart(packet);
      return NOTHING;
    }
    // The lowest bit tells headers from sound, and empty packets mean nothing.
    if (packet.isCut || packet.bytes.length === 0 || ((packet.bytes[0] ?? 0) & 1) !== 0) return NOTHING;
    const decoded = await settled(await inStep(() => ({ pending: this.#decode(packet) })));
    return inStep(() => this.#deliver(packet, decoded));
  }

  close(): void {
    this.#isClosed = true;
    if (this.#decoder !== undefined) freeDecoder(this.#decoder);
    this.#decoder = undefined;
  }

  #decode(packet: OggPacket): Promise<Decoded> | undefined {
    const decoder = this.#decoder;
    if (decoder === undefined) return undefined;
    const setup = this.#setup;
    this.#setup = undefined;
    const frame = { data: packet.bytes, header: { vorbisSetup: setup?.setup } };
    const sound = { data: packet.bytes, codecFrames: [frame], isLastPage: false };
    const head = { data: setup?.head.bytes, codecFrames: [], isLastPage: false };
    const pages = (setup === undefined ? [sound] : [head, sound]) as unknown as PageOfDecoder[];
    // Its work is done when the call returns; only the answer comes later.
    return callDecoder(() => decoder.decodeOggPages(pages));
  }

  #deliver(packet: OggPacket, decoded: Decoded | undefined): Int16Array {
    if (decoded === undefined) return NOTHING;
    const { channelData, samplesDecoded, sampleRate } = decoded;
    if (channelData.length !== this.#head.channels || sampleRate !== this.#head.sampleRateHz) {
      throw damaged("damaged Vorbis setup");
    }
    return interleave(channelData, this.#mix, { from: 0, to: this.#trim.allow(packet, samplesDecoded) });
  }

  /** The next stream of a chain. It plays on only if it sounds the same. */
  async #restart(first: OggPacket): Promise<void> {
    const setup = await readSetup(this.#packets, first);
    if (setup === undefined) return;
    const { channels, sampleRateHz } = setup.head;
    if (channels !== this.#head.channels || sampleRateHz !== this.#head.sampleRateHz) {
      throw damaged("the next Ogg stream has another sample rate or other channels");
    }
    const decoder = await createDecoder();
    if (this.#isClosed) {
      freeDecoder(decoder);
      return;
    }
    if (this.#decoder !== undefined) freeDecoder(this.#decoder);
    this.#decoder = decoder;
    this.#setup = setup;
    this.#trim = new OggTrim();
  }
}

async function settled({ pending }: { readonly pending: Promise<Decoded> | undefined }): Promise<Decoded | undefined> {
  try {
    return await pending;
  } catch (error) {
    throw brokenDecoder(error);
  }
}

const createDecoder = () => startDecoder(() => new OggVorbisDecoder());

/** Head, comment and setup come first, in this order, and nothing can be decoded without them. */
async function readSetup(packets: OggPackets, first: OggPacket): Promise<VorbisSetup | undefined> {
  const head = parseHead(first.bytes);
  const comment = await packets.next();
  const setup = await packets.next();
  if (comment === undefined || setup === undefined) return undefined;
  if (setup.isCut || !hasText(setup.bytes, 0, "\x05vorbis")) throw damaged("Vorbis without its setup header");
  return { head, setup: setup.bytes };
}

function parseHead(bytes: Uint8Array): VorbisHead {
  const channels = bytes[11] ?? 0;
  const sampleRateHz = u32(bytes, 12);
  const blocks = bytes[28] ?? 0;
  const [short, long] = [blocks & 15, blocks >> 4];
  const isSound =
    bytes.length >= HEAD_BYTES &&
    u32(bytes, 7) === 0 &&
    short >= BLOCK_MIN_BITS &&
    long <= BLOCK_MAX_BITS &&
    short <= long &&
    ((bytes[29] ?? 0) & 1) === 1;
  if (!isSound) throw damaged("damaged Vorbis header");
  checkSound("Vorbis", sampleRateHz, channels);
  return { bytes, channels, sampleRateHz };
}
