// A short tune, served on loopback as a WAV file: what PlayAudio is given to fetch.

import { startAudioServer } from "../test/support/audio-server.js";
import type { AudioServer } from "../test/support/audio-server.js";
import { wavOf } from "../test/support/wav.js";

const RATE_HZ = 44_100;
const NOTE_MS = 400;
const AMPLITUDE = 0.4;
/** A broken chord up and down: C, E, G, C, G, E, C, G, C, E. */
const NOTES_HZ = [262, 330, 392, 523, 392, 330, 262, 392, 523, 659];
export const MELODY_MS = NOTES_HZ.length * NOTE_MS;

/** Starts a web server with the tune on it. */
export async function serveMelody(): Promise<{ url: string; server: AudioServer }> {
  const server = await startAudioServer();
  return { url: server.add("/melody.wav", wavOf(makeMelody(), RATE_HZ)), server };
}

/** Each note is plucked: it begins at once and dies away, with an octave above it. */
function makeMelody(): Int16Array {
  const perNote = (NOTE_MS * RATE_HZ) / 1000;
  const samples = new Int16Array(perNote * NOTES_HZ.length);
  for (const [note, frequencyHz] of NOTES_HZ.entries()) {
    for (let i = 0; i < perNote; i += 1) {
      const phase = (2 * Math.PI * frequencyHz * i) / RATE_HZ;
      const loudness = AMPLITUDE * Math.exp((-2 * i) / perNote) * Math.min(1, i / 200);
      samples[note * perNote + i] = 32_767 * loudness * (0.8 * Math.sin(phase) + 0.2 * Math.sin(2 * phase));
    }
  }
  return samples;
}
