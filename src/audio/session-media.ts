// The data plane of one session: packets out of the room to whichever stream is attached, chunks of that stream onto the
// room's tracks. Made when a session begins to join, so that no packet is lost between the join and the first stream.

import type { DataPacket, FrameSource, Room, TrackFormat } from "../livekit/room.js";
import type { AudioStats } from "./audio-stats.js";
import { createAudioStats } from "./audio-stats.js";
import type { DownlinkSink } from "./downlink.js";
import { Downlink } from "./downlink.js";
import type { DownlinkMeter } from "./downlink-meter.js";
import type { PacketQueueLimits } from "./packet-queue.js";
import type { CreateResampler } from "./resampler.js";
import type { AttachedSource } from "./room-track.js";
import { RoomTrack } from "./room-track.js";
import { SenderFilter } from "./sender-filter.js";

/** Audio of one uplink chunk, as it came. */
export interface UplinkChunk {
  readonly trackId: number;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly pcm: Uint8Array;
}

export interface MediaLimits {
  readonly downlinkQueue: PacketQueueLimits;
  /** Microphone audio kept while no stream is attached. */
  readonly keptMaxMs: number;
  /** Uplink audio a track holds before its stream is paused. */
  readonly uplinkQueueMaxMs: number;
  readonly tracksMax: number;
  readonly trackRetryAfterMs: number;
  readonly trackFormat: TrackFormat;
}

export interface MediaOptions {
  readonly targetIdentity: string;
  readonly limits: MediaLimits;
  readonly createResampler: CreateResampler;
  readonly now: () => number;
  readonly observer: MediaObserver;
  /** Only with metrics. */
  readonly meter?: DownlinkMeter | undefined;
  /** Something threw where the pacer pulls: a fault of this session and of no other. */
  readonly fault: (error: unknown) => void;
}

/** Edges of the data plane. Never per packet, but for `packets`, every hundredth. */
export interface MediaObserver {
  overflowed(stats: AudioStats, queueLength: number): void;
  packets(stats: AudioStats, queueLength: number): void;
  publishFailed(trackName: string, error: unknown): void;
}

const TRACK_NAMES: Readonly<Record<number, string>> = { 0: "speaker", 1: "app_audio", 2: "tts" };
const REPORT_EVERY_PACKETS = 100;

export class SessionMedia {
  readonly stats: AudioStats = createAudioStats();
  readonly #options: MediaOptions;
  readonly #downlink: Downlink;
  readonly #filter: SenderFilter;
  readonly #tracks = new Map<number, RoomTrack>();
  #room: Room | undefined;
  #isReconnecting = false;
  #isClosed = false;
  #resumeUplink: (() => void) | undefined;
  #lastPacketAtMs: number | undefined;

  constructor(options: MediaOptions) {
    this.#options = options;
    const { limits, now, observer, targetIdentity, meter } = options;
    const overflowed = () => observer.overflowed(this.stats, this.#downlink.queueLength);
    const { downlinkQueue, keptMaxMs } = limits;
    this.#downlink = new Downlink({ limits: downlinkQueue, keptMaxMs, stats: this.stats, now, meter, overflowed });
    this.#filter = new SenderFilter({
      targetIdentity,
      now,
      accept: (payload, arrivedAtMs) => this.#accept(payload, arrivedAtMs),
      reject: () => {
        this.stats.packetsForeign += 1;
      },
    });
  }

  get participantId(): string {
    return this.#room?.localIdentity ?? "";
  }

  /** Remote participants plus one. */
  get participantCount(): number {
    return this.#room?.participantCount ?? 0;
  }

  get roomName(): string {
    return this.#room?.name ?? "";
  }

  /** Monotonic milliseconds of the newest packet of the target. */
  get lastPacketAtMs(): number | undefined {
    return this.#lastPacketAtMs;
  }

  get queueLength(): number {
    return this.#downlink.queueLength;
  }

  /** Milliseconds of uplink audio that wait on the fullest track. */
  get uplinkQueuedMs(): number {
    let longest = 0;
    for (const { queuedMs } of this.#tracks.values()) longest = Math.max(longest, queuedMs);
    return longest;
  }

  // What the room tells.

  connected(room: Room): void {
    this.#room = room;
    for (const identity of room.remoteIdentities) this.#filter.joined(identity);
  }

  packet(packet: DataPacket): void {
    if (!this.#isClosed) this.#filter.packet(packet);
  }

  participantJoined(identity: string): void {
    if (!this.#isClosed) this.#filter.joined(identity);
  }

  participantLeft(identity: string): void {
    this.#filter.left(identity);
  }

  reconnecting(isReconnecting: boolean): void {
    this.#isReconnecting = isReconnecting;
  }

  // What the stream tells.

  /** Connects a stream; the previous one gets nothing more. */
  attach(sink: DownlinkSink, resumeUplink: () => void): void {
    this.#resumeUplink = resumeUplink;
    this.#downlink.attach(sink);
  }

  detach(sink: DownlinkSink): void {
    for (const track of this.#tracks.values()) track.cut();
    this.#resumeUplink = undefined;
    this.#downlink.detach(sink);
  }

  heartbeat(isEchoed: boolean): void {
    this.stats.heartbeatsIn += 1;
    if (isEchoed) this.#downlink.echo();
  }

  /** True unless this track would be one too many. */
  canPlayOn(trackId: number): boolean {
    return this.#tracks.has(trackId) || this.#tracks.size < this.#options.limits.tracksMax;
  }

  /** Plays one chunk. Returns false when the stream should pause. */
  play(chunk: UplinkChunk): boolean {
    const { trackId, pcm, sampleRateHz, channels } = chunk;
    this.stats.uplinkPacketsIn += 1;
    this.stats.uplinkBytesIn += pcm.length;
    if (this.#isClosed || !this.#room) {
      this.stats.uplinkBytesDropped += pcm.length;
      return true;
    }
    const track = this.#track(trackId, this.#room);
    const format = { sampleRateHz, channels };
    return this.#isReconnecting ? track.skip(pcm, format) : track.play(pcm, format);
  }

  /** Plays a source on a track, mixed with whatever else is on it. */
  attachSource(trackId: number, source: FrameSource, failed: (error: unknown) => void): AttachedSource {
    if (this.#isClosed || !this.#room) throw new Error("the room is not connected");
    return this.#track(trackId, this.#room).attach(source, failed);
  }

  get trackFormat(): TrackFormat {
    return this.#options.limits.trackFormat;
  }

  get createResampler(): CreateResampler {
    return this.#options.createResampler;
  }

  /** Drops what waits and counts it. The room itself is closed by whoever connected it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#resumeUplink = undefined;
    this.#downlink.close();
    for (const track of this.#tracks.values()) track.close();
    this.#tracks.clear();
  }

  #track(trackId: number, room: Room): RoomTrack {
    const known = this.#tracks.get(trackId);
    if (known) return known;
    const { limits, createResampler, now, observer } = this.#options;
    const track = new RoomTrack({
      name: TRACK_NAMES[trackId] ?? `track_${trackId}`,
      room,
      format: limits.trackFormat,
      createResampler,
      queueMaxMs: limits.uplinkQueueMaxMs,
      retryAfterMs: limits.trackRetryAfterMs,
      now,
      fault: this.#options.fault,
      drained: () => this.#resumeUplink?.(),
      publishFailed: (name, error) => observer.publishFailed(name, error),
      dropped: (bytes) => {
        this.stats.uplinkBytesDropped += bytes;
      },
    });
    this.#tracks.set(trackId, track);
    return track;
  }

  #accept(payload: Uint8Array, arrivedAtMs: number): void {
    this.#lastPacketAtMs = arrivedAtMs;
    const { stats } = this;
    const before = stats.packetsIn;
    this.#downlink.push(payload, arrivedAtMs);
    if (stats.packetsIn !== before && stats.packetsIn % REPORT_EVERY_PACKETS === 0)
      this.#options.observer.packets(stats, this.#downlink.queueLength);
  }
}
