// The RTP side of published tracks: Opus frames in, packets and sender reports out. A sender is one line of the offer. Lines cannot
// be taken out of an offer again, only be made inactive, and then the server drops what they carried; so a sender without a
// track rests until the next track takes it over, and an offer grows with the tracks that play at once, not with all that ever
// played. The library would make another object of each such change and lose count of them, so what a sender carries is written
// into the text of the offer here, and the library keeps the one track it knows.

import * as nodeDataChannel from "node-datachannel";
import type { PeerConnection, RtpPacketizationConfig, Track } from "node-datachannel";
import { type createGuard, holdUntilClosed } from "./native.js";

export interface AudioSenderOptions {
  /** The track's id in the offer: what the server knows it by until it has given it one of its own. */
  readonly trackId: string;
  readonly ssrc: number;
  readonly isStereo: boolean;
}

/** LiveKit's for Opus, so that nothing has to be mapped. */
const OPUS_PAYLOAD_TYPE = 111;
const CLOCK_RATE_HZ = 48_000;

export class AudioSender {
  readonly mid: string;
  readonly isStereo: boolean;
  readonly #track: Track;
  #carried: AudioSenderOptions | undefined;
  #rtp: RtpPacketizationConfig | undefined;
  #opened: () => void = () => undefined;

  constructor(peer: PeerConnection, mid: string, isStereo: boolean, guard: ReturnType<typeof createGuard>) {
    this.mid = mid;
    this.isStereo = isStereo;
    const media = new nodeDataChannel.Audio(mid, "SendOnly");
    const stereo = isStereo ? ";stereo=1;sprop-stereo=1" : "";
    media.addOpusCodec(OPUS_PAYLOAD_TYPE, `minptime=10;useinbandfec=1;usedtx=1${stereo}`);
    this.#track = peer.addTrack(media);
    // Closed with its connection, it lets go of its other callbacks only when it is told to, and they hold on to us.
    holdUntilClosed(this.#track, () => this.#track.close());
    this.#track.onOpen(guard(() => this.#opened()));
  }

  /** Another track takes it over, with the next offer. */
  carry(options: AudioSenderOptions): void {
    const { trackId, ssrc } = options;
    this.#carried = options;
    this.#rtp = new nodeDataChannel.RtpPacketizationConfig(ssrc, trackId, OPUS_PAYLOAD_TYPE, CLOCK_RATE_HZ);
    const packetizer = new nodeDataChannel.RtpPacketizer(this.#rtp);
    packetizer.addToChain(new nodeDataChannel.RtcpSrReporter(this.#rtp));
    this.#track.setMediaHandler(packetizer);
  }

  /** Carries nothing any more, from the next offer on. */
  rest(): void {
    this.#carried = undefined;
    this.#rtp = undefined;
  }

  /** Its part of an offer, as the library has written it, with what it carries. */
  describe(section: string): string {
    if (!this.#carried) return section.replace("a=sendonly", "a=inactive");
    const { ssrc, trackId } = this.#carried;
    const lines = [
      `a=msid:${trackId} ${trackId}`,
      `a=ssrc:${ssrc} cname:${trackId}`,
      `a=ssrc:${ssrc} msid:${trackId} ${trackId}`,
    ];
    return `${section}${lines.join("\r\n")}\r\n`;
  }

  /** Resolves when it can send, which for a new one is a moment after the server's answer. */
  opened(): Promise<void> {
    if (this.#track.isOpen()) return Promise.resolve();
    return new Promise((resolve) => (this.#opened = resolve));
  }

  /** `timestamp` in samples. False when it cannot be sent. */
  send(opus: Uint8Array, timestamp: number): boolean {
    if (!this.#rtp || !this.#track.isOpen()) return false;
    this.#rtp.timestamp = timestamp >>> 0;
    try {
      return this.#track.sendMessageBinary(opus as Buffer);
    } catch {
      // The library's own threads may close it after it was asked whether it is open.
      return false;
    }
  }
}
