// Another participant of an in-memory room, such as the phone. It sends data, hears the tracks of the room and, unlike
// the bridge, subscribes to whatever is published.

import type { DataPacket, RoomEndReason } from "../room.js";
import type { LinkEvents } from "./link.js";
import type { Member, ServerTrack, Sfu } from "./sfu.js";
import type { Grants } from "./token.js";

export interface HeardFrame {
  readonly trackName: string;
  readonly publisherIdentity: string;
  /** Interleaved PCM16, the receiver's own. */
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  /** When it was sent, on the injected clock, in milliseconds. */
  readonly at: number;
}

/** What it is told. Never called from inside a call, never after `leave` or `ended`; throws are caught and reported. */
export interface EmbeddedParticipantListener {
  packet?(packet: DataPacket): void;
  frame?(frame: HeardFrame): void;
  participantJoined?(identity: string): void;
  participantLeft?(identity: string): void;
  trackPublished?(name: string, publisherIdentity: string): void;
  trackUnpublished?(name: string, publisherIdentity: string): void;
  reconnecting?(): void;
  reconnected?(): void;
  ended?(reason: RoomEndReason): void;
}

export interface PublishDataOptions {
  /** Reliable by default. */
  readonly reliable?: boolean;
  readonly topic?: string;
}

export interface EmbeddedParticipant {
  readonly identity: string;
  readonly room: string;
  readonly isPresent: boolean;
  /** Others that it knows of. */
  readonly remoteIdentities: readonly string[];
  /** Tracks of others that it knows of. */
  readonly trackNames: readonly string[];
  /**
   * To everybody else in the room. Rejects when it has left and when the payload is over 64,000 bytes. Without the
   * permission the server drops the packet and says nothing, as LiveKit does.
   */
  publishData(payload: Uint8Array, options?: PublishDataOptions): Promise<void>;
  leave(): Promise<void>;
}

export const PAYLOAD_MAX_BYTES = 64_000;

export function joinEmbeddedParticipant(
  sfu: Sfu,
  grants: Grants,
  listener: EmbeddedParticipantListener,
): EmbeddedParticipant {
  const tracks = new Set<ServerTrack>();
  const events: LinkEvents = {
    packet: (packet) => listener.packet?.(packet),
    participantJoined: (identity) => listener.participantJoined?.(identity),
    participantLeft: (identity) => listener.participantLeft?.(identity),
    reconnecting: () => listener.reconnecting?.(),
    reconnected: () => listener.reconnected?.(),
    ended(reason) {
      tracks.clear();
      listener.ended?.(reason);
    },
    trackPublished(track) {
      tracks.add(track);
      sfu.subscribe(member, track);
      listener.trackPublished?.(track.name, track.publisher.identity);
    },
    trackUnpublished(track) {
      tracks.delete(track);
      listener.trackUnpublished?.(track.name, track.publisher.identity);
    },
    frame({ name, publisher, format }, samples, at) {
      listener.frame?.({ trackName: name, publisherIdentity: publisher.identity, samples, ...format, at });
    },
  };

  const member: Member = sfu.join(grants, events);
  return {
    identity: grants.identity,
    room: grants.room,
    get isPresent() {
      return sfu.isPresent(member);
    },
    get remoteIdentities() {
      return [...member.link.roster];
    },
    get trackNames() {
      return [...tracks].map((track) => track.name);
    },
    async publishData(payload, options = {}) {
      if (!sfu.isPresent(member)) throw new Error("not in the room");
      if (payload.byteLength > PAYLOAD_MAX_BYTES) {
        throw new RangeError(`payload exceeds the maximum message size (${PAYLOAD_MAX_BYTES} bytes)`);
      }
      if (!grants.canPublishData) return;
      const isReliable = options.reliable ?? true;
      const copy = member.link.isOut ? new Uint8Array(payload) : payload;
      member.link.receive(isReliable ? "reliable" : "lossy", () =>
        sfu.sendData(grants.room, member, copy, { isReliable, topic: options.topic }),
      );
    },
    async leave() {
      sfu.remove(member);
      tracks.clear();
    },
  };
}
