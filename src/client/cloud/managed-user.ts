// What the manager wants of the application's user session. Everything but the first three members may be missing: the
// manager then takes the fact for given (the phone is there, somebody listens) rather than standing still.

import type { ClientLogger } from "../log.js";
import type { AudioAvailable, AudioUnavailable } from "./audio-notice.js";

export interface ManagedUser {
  /** Names the room as well. */
  readonly userId: string;
  readonly logger: ClientLogger;
  /** Takes the microphone's audio: PCM16 little-endian mono at 16 kHz. */
  readonly audioManager: { processAudioData(pcm: Buffer): void };
  /** The phone's connection to the cloud. Anything but `readyState` 1 (open) explains why no audio comes. */
  readonly websocket?: { readonly readyState: number } | null | undefined;
  /** Set while the phone is away. */
  readonly disconnectedAt?: Date | number | null | undefined;
  /** Unix time in milliseconds of the phone's last pong. A phone that does not answer pings is left in peace. */
  readonly lastPongAtMs?: number | undefined;
  /** Whether anything wants the microphone's audio at the moment. */
  hasAudioSubscriptions?(): boolean;
  /** Told once when audio has been impossible for a while. `LiveKitManager.on` tells the same. */
  onAudioUnavailable?(notice: AudioUnavailable): void;
  /** Told once when it is possible again. */
  onAudioAvailable?(notice: AudioAvailable): void;
}
