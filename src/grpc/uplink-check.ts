// What a chunk from a client must look like; a refusal names the field.

import type { UplinkChunk } from "../audio/session-media.js";
import type { HandlerLimits } from "./backend.js";
import type { AudioChunk } from "./messages.js";

const DEFAULT_SAMPLE_RATE_HZ = 16_000;
const DEFAULT_CHANNELS = 1;

export function checkChunk(
  chunk: AudioChunk,
  userId: string,
  limits: HandlerLimits,
): UplinkChunk | { readonly refusal: string } {
  if (chunk.user_id !== "" && chunk.user_id !== userId) {
    return { refusal: "user_id: a stream belongs to the user of its first chunk" };
  }
  const pcm = chunk.pcm_data;
  const trackId = chunk.track_id;
  const sampleRateHz = chunk.sample_rate === 0 ? DEFAULT_SAMPLE_RATE_HZ : chunk.sample_rate;
  const channels = chunk.channels === 0 ? DEFAULT_CHANNELS : chunk.channels;
  // A heartbeat carries no audio, so what it says about audio is not looked at.
  if (pcm.length === 0) return { trackId: 0, sampleRateHz, channels, pcm };
  if (trackId < 0) return { refusal: "track_id: must not be negative" };
  if (sampleRateHz < limits.sampleRateMinHz || sampleRateHz > limits.sampleRateMaxHz) {
    return { refusal: `sample_rate: must be 0 or ${limits.sampleRateMinHz} to ${limits.sampleRateMaxHz} Hz` };
  }
  if (channels < 0 || channels > limits.channelsMax) {
    return { refusal: `channels: must be 0 to ${limits.channelsMax}` };
  }
  return { trackId, sampleRateHz, channels, pcm };
}
