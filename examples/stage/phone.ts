// A phone in embedded rooms: it talks in data packets of 20 ms, as a phone does, and measures what it hears.

import type { EmbeddedParticipant } from "../../src/livekit/embedded/participant.js";
import type { EmbeddedRooms } from "../../src/livekit/embedded/rooms.js";
import { SPEECH_RATE_HZ, synthesiseSpeech } from "../../demo/speech.js";
import { frequencyOf, level, tone } from "../../test/support/tone.js";

export interface Heard {
  /** Milliseconds of sound, silence left out. */
  readonly audibleMs: number;
  /** Of the sound, if it is a single tone. */
  readonly frequencyHz: number;
}

export const NOTHING_HEARD: Heard = { audibleMs: 0, frequencyHz: 0 };

const PACKET_MS = 20;
const PACKET_SAMPLES = (SPEECH_RATE_HZ * PACKET_MS) / 1000;
const HEARD_RATE_HZ = 48_000;
/** Of full scale. */
const AUDIBLE_LEVEL = 0.02;
/** Sound that is kept to measure its frequency: half a second. */
const KEPT_SAMPLES = HEARD_RATE_HZ / 2;

export class Phone {
  readonly #participant: EmbeddedParticipant;
  readonly #ears: Map<string, Ear>;
  #timer: NodeJS.Timeout | undefined;

  private constructor(participant: EmbeddedParticipant, ears: Map<string, Ear>) {
    this.#participant = participant;
    this.#ears = ears;
  }

  /** Joins the room of the user's own name. */
  static async enter(rooms: EmbeddedRooms, userId: string): Promise<Phone> {
    const ears = new Map<string, Ear>();
    const participant = await rooms.join(
      { identity: userId, room: userId },
      {
        frame({ trackName, samples }) {
          const ear = ears.get(trackName) ?? new Ear();
          ears.set(trackName, ear);
          ear.hear(samples);
        },
      },
    );
    return new Phone(participant, ears);
  }

  /** Something like speech, until `hush`. */
  talk(): void {
    this.hush();
    const speech = synthesiseSpeech();
    this.#publish((at) => speech[at % speech.length] ?? 0, Infinity);
  }

  /** Resolves when it has been said. */
  say(frequencyHz: number, durationMs: number): Promise<void> {
    this.hush();
    const said = tone({ frequencyHz, durationMs, sampleRateHz: SPEECH_RATE_HZ });
    return new Promise((resolve) => this.#publish((at) => said[at] ?? 0, said.length / PACKET_SAMPLES, resolve));
  }

  hush(): void {
    clearTimeout(this.#timer);
  }

  /** What was heard of a track so far. */
  heard(trackName: string): Heard {
    return this.#ears.get(trackName)?.heard ?? NOTHING_HEARD;
  }

  /** Packet after packet on a beat that does not drift. */
  #publish(sampleAt: (at: number) => number, packets: number, done = (): void => {}): void {
    const startMs = performance.now();
    let sent = 0;
    const beat = (): void => {
      while (sent < packets && startMs + sent * PACKET_MS <= performance.now()) {
        const payload = Buffer.alloc(PACKET_SAMPLES * 2);
        for (let index = 0; index < PACKET_SAMPLES; index += 1) {
          payload.writeInt16LE(sampleAt(sent * PACKET_SAMPLES + index), index * 2);
        }
        sent += 1;
        // Refused once it has left the room, which the next packet will be as well.
        this.#participant.publishData(payload).catch(() => {});
      }
      if (sent >= packets) return done();
      this.#timer = setTimeout(beat, startMs + sent * PACKET_MS - performance.now());
    };
    beat();
  }
}

/** What is heard of one track. */
class Ear {
  #audibleSamples = 0;
  readonly #kept = new Int16Array(KEPT_SAMPLES);
  #keptCount = 0;

  hear(samples: Int16Array): void {
    if (level(samples) < AUDIBLE_LEVEL) return;
    this.#audibleSamples += samples.length;
    const fitting = samples.subarray(0, KEPT_SAMPLES - this.#keptCount);
    this.#kept.set(fitting, this.#keptCount);
    this.#keptCount += fitting.length;
  }

  get heard(): Heard {
    const audibleMs = (this.#audibleSamples * 1000) / HEARD_RATE_HZ;
    return { audibleMs, frequencyHz: frequencyOf(this.#kept.subarray(0, this.#keptCount), HEARD_RATE_HZ) };
  }
}
