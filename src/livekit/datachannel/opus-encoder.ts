// PCM to Opus: libopus as WASM. All encoders of the process share one module and its memory; each has some 45 KB of it.
//
// The package's own entry would take its native build where one fits. That is faster, but gives an encoder's memory back
// only when the garbage collector comes by, so its WASM build is named. docs/decisions/0008-opus-encoder.md has the figures.

import { createRequire } from "node:module";
import type { TrackFormat } from "../room.js";

export interface OpusEncoder {
  /** One frame of 20 ms, interleaved. The returned bytes are a copy, the caller's for good. Throws for any other length. */
  encode(frame: Int16Array): Uint8Array;
  /** Idempotent; encode throws afterwards. */
  release(): void;
}

const SAMPLES_PER_FRAME = 960;

/** Nothing but CELT: the same cost for speech and music, 2.5 ms of lookahead. The hybrid mode for speech costs three times as much. */
const APPLICATION = "restricted_lowdelay";
/** On average: LiveKit's presets for music, one step up. */
const BITRATE_BPS = { 1: 64_000, 2: 96_000 } as const;
/** It may be exceeded where a frame needs it: constrained, the frame behind a sound that stops at once is full of its noise. */
const IS_BITRATE_A_BOUND = 0;
/** The lowest at which libopus listens to what it encodes; below it, this build never leaves a frame out. */
const COMPLEXITY = 7;
/** Pauses cost neither the phone's battery nor its data. */
const USES_DTX = 1;
/** CELT has none. LiveKit's server itself adds redundant frames for every subscriber that understands them. */
const USES_IN_BAND_FEC = 0;
/** Between bridge and server next to none are lost. More would make CELT lean less on the frames before, and add to that noise. */
const PACKET_LOSS_PERCENT = 0;

/** Requests of `opus_encoder_ctl`, https://opus-codec.org/docs/opus_api-1.3.1/group__opus__encoderctls.html */
const SET_BITRATE = 4002;
const SET_COMPLEXITY = 4010;
const SET_IN_BAND_FEC = 4012;
const SET_PACKET_LOSS_PERCENT = 4014;
const SET_DTX = 4016;
const SET_VBR_CONSTRAINT = 4020;

/** What is used of the package, which has no types for its WASM build. */
interface WasmEncoder {
  ctl(request: number, value: number): number;
  encode(pcm: Int16Array): Uint8Array;
  drop(): void;
}

interface WasmOpus {
  readonly Encoder: new (options: { channels: number; sample_rate: number; application: string }) => WasmEncoder;
}

const require = createRequire(import.meta.url);

/** Compiles the module, which holds the event loop for some 30 ms; cheap afterwards. Without it, the first encoder does. */
export async function loadOpus(): Promise<void> {
  createOpusEncoder({ sampleRateHz: 48_000, channels: 1 }).release();
}

export function createOpusEncoder({ sampleRateHz, channels }: TrackFormat): OpusEncoder {
  // Kept by Node after the first time.
  const { Encoder } = require("@evan/opus/wasm/index.js") as WasmOpus;
  const encoder = new Encoder({ channels, sample_rate: sampleRateHz, application: APPLICATION });
  encoder.ctl(SET_BITRATE, BITRATE_BPS[channels]);
  encoder.ctl(SET_VBR_CONSTRAINT, IS_BITRATE_A_BOUND);
  encoder.ctl(SET_COMPLEXITY, COMPLEXITY);
  encoder.ctl(SET_DTX, USES_DTX);
  encoder.ctl(SET_IN_BAND_FEC, USES_IN_BAND_FEC);
  encoder.ctl(SET_PACKET_LOSS_PERCENT, PACKET_LOSS_PERCENT);
  const frameLength = SAMPLES_PER_FRAME * channels;
  let isReleased = false;
  return {
    encode(frame) {
      if (isReleased) throw new Error("the Opus encoder is released");
      // libopus would take other durations, which the timestamps of RTP then would not match.
      if (frame.length !== frameLength) {
        throw new RangeError(`an Opus frame of ${frame.length} samples instead of ${frameLength}`);
      }
      return encoder.encode(frame);
    },
    release() {
      isReleased = true;
      // Idempotent itself.
      encoder.drop();
    },
  };
}
