// What can be wrong with a file, in a closed set of codes; the message is meant for the person who sent the URL.

export type DecodeErrorCode = "unsupported" | "damaged" | "empty" | "too_long" | "internal";

export class DecodeError extends Error {
  readonly code: DecodeErrorCode;

  constructor(code: DecodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DecodeError";
    this.code = code;
  }
}

export const unsupported = (message: string) => new DecodeError("unsupported", message);
export const damaged = (message: string, options?: ErrorOptions) => new DecodeError("damaged", message, options);

const SAMPLE_RATE_MIN_HZ = 8_000;
const SAMPLE_RATE_MAX_HZ = 192_000;
const CHANNELS_MAX = 8;

/** The bounds that every format shares. A header beyond them is refused before anything is allocated for it. */
export function checkSound(what: string, sampleRateHz: number, channels: number): void {
  if (channels < 1) throw damaged(`${what} with 0 channels`);
  if (channels > CHANNELS_MAX)
    throw unsupported(`${what} with ${channels} channels; at most ${CHANNELS_MAX} are played`);
  if (sampleRateHz < 1) throw damaged(`${what} with a sample rate of 0 Hz`);
  if (sampleRateHz < SAMPLE_RATE_MIN_HZ || sampleRateHz > SAMPLE_RATE_MAX_HZ) {
    const range = `${SAMPLE_RATE_MIN_HZ} to ${SAMPLE_RATE_MAX_HZ} Hz`;
    throw unsupported(`${what} with a sample rate of ${sampleRateHz} Hz; ${range} are played`);
  }
}
