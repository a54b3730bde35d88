// The in-memory server: rooms by name, members by identity, and who is told what. State changes at once; everything
// that somebody is told travels through that member's link.

import type { Clock } from "../../time.js";
import type { DataPacket, RoomEndReason, TrackFormat } from "../room.js";
import type { FaultDesk } from "./faults.js";
import { createLink, type Link, type LinkEvents, type Outage } from "./link.js";
import type { Mailbox } from "./mailbox.js";
import type { Grants } from "./token.js";

export interface Member {
  readonly identity: string;
  readonly room: string;
  readonly grants: Grants;
  readonly link: Link;
  readonly tracks: Set<ServerTrack>;
  isAnnounced: boolean;
  announceTimer: unknown;
}

export interface ServerTrack {
  readonly name: string;
  readonly format: TrackFormat;
  readonly publisher: Member;
  readonly subscribers: Set<Member>;
  /** Somebody has subscribed for the first time. */
  readonly onSubscribed: () => void;
}

export interface PacketOptions {
  readonly isReliable: boolean;
  readonly topic: string | undefined;
}

export class Sfu {
  readonly #clock: Clock;
  readonly #mailbox: Mailbox;
  readonly #faults: FaultDesk;
  readonly #rooms = new Map<string, Map<string, Member>>();

  constructor(clock: Clock, mailbox: Mailbox, faults: FaultDesk) {
    this.#clock = clock;
    this.#mailbox = mailbox;
    this.#faults = faults;
  }

  /** Joins; an older member of that identity is evicted. */
  join(grants: Grants, events: LinkEvents): Member {
    const { identity, room } = grants;
    const older = this.find(room, identity);
    if (older !== undefined) this.remove(older, "duplicate_identity");
    const link = createLink(this.#clock, this.#mailbox, events);
    const tracks = new Set<ServerTrack>();
    const member: Member = { identity, room, grants, link, tracks, isAnnounced: false, announceTimer: undefined };
    const members = this.#rooms.get(room) ?? new Map<string, Member>();
    this.#rooms.set(room, members.set(identity, member));
    for (const other of this.#others(member)) {
      if (other.isAnnounced) link.roster.add(other.identity);
      for (const track of other.tracks) link.send("signal", (events) => events.trackPublished(track));
    }
    const delayMs = this.#faults.announceDelayMs({ identity, room });
    if (delayMs > 0) member.announceTimer = this.#clock.setTimeout(() => this.#announce(member), delayMs);
    else this.#announce(member);
    return member;
  }

  /** Idempotent. With a reason the member is told it; without one it has left by itself and hears nothing more. */
  remove(member: Member, reason?: RoomEndReason): void {
    if (reason === undefined) member.link.mute();
    if (!this.isPresent(member)) return;
    const others = this.#others(member);
    for (const track of member.tracks) this.unpublish(track);
    for (const other of others) for (const track of other.tracks) track.subscribers.delete(member);
    this.#clock.clearTimeout(member.announceTimer);
    this.#rooms.get(member.room)?.delete(member.identity);
    if (others.length === 0) this.#rooms.delete(member.room);
    if (reason !== undefined) member.link.end(reason);
    if (member.isAnnounced) for (const other of others) other.link.left(member.identity);
  }

  find(room: string, identity: string): Member | undefined {
    return this.#rooms.get(room)?.get(identity);
  }

  isPresent(member: Member): boolean {
    return this.find(member.room, member.identity) === member;
  }

  members(room: string): Member[] {
    return [...(this.#rooms.get(room)?.values() ?? [])];
  }

  get roomNames(): string[] {
    return [...this.#rooms.keys()];
  }

  /** Undefined as the sender: the server itself. */
  sendData(room: string, sender: Member | undefined, payload: Uint8Array, options: PacketOptions): void {
    const delivery = options.isReliable ? "reliable" : "lossy";
    for (const receiver of this.#rooms.get(room)?.values() ?? []) {
      if (receiver === sender) continue;
      if (delivery === "lossy" && sender !== undefined && this.#faults.isPacketLost(sender)) continue;
      const packet = { ...options, payload: new Uint8Array(payload), senderIdentity: sender?.identity };
      receiver.link.send(delivery, (events) => events.packet(asKnownTo(receiver, packet)));
    }
  }

  publish(member: Member, name: string, format: TrackFormat, onSubscribed: () => void): ServerTrack {
    // A participant that publishes a track is announced at once, whatever else delays announcements.
    this.#announce(member);
    const track = { name, format, publisher: member, subscribers: new Set<Member>(), onSubscribed };
    member.tracks.add(track);
    for (const { link } of this.#others(member)) link.send("signal", (events) => events.trackPublished(track));
    return track;
  }

  unpublish(track: ServerTrack): void {
    const { publisher, subscribers } = track;
    if (!publisher.tracks.delete(track)) return;
    subscribers.clear();
    for (const { link } of this.#others(publisher)) link.send("signal", (events) => events.trackUnpublished(track));
  }

  subscribe(member: Member, track: ServerTrack): void {
    if (!this.isPresent(member) || !member.grants.canSubscribe || !track.publisher.tracks.has(track)) return;
    track.subscribers.add(member);
    if (track.subscribers.size === 1) track.publisher.link.send("signal", track.onSubscribed);
  }

  sendFrame(track: ServerTrack, samples: Int16Array): void {
    if (track.publisher.link.isOut) return;
    const at = this.#clock.now();
    for (const { link } of track.subscribers) {
      const copy = samples.slice();
      link.send("lossy", (events) => events.frame(track, copy, at));
    }
  }

  dropTransport(member: Member, outage: Outage): void {
    member.link.goOut(outage, () => {
      if (outage.end === "lost") this.remove(member, "connection_lost");
      return this.#others(member).flatMap((other) => (other.isAnnounced ? [other.identity] : []));
    });
  }

  #others(member: Member): Member[] {
    return this.members(member.room).filter((other) => other !== member);
  }

  #announce(member: Member): void {
    if (member.isAnnounced) return;
    member.isAnnounced = true;
    this.#clock.clearTimeout(member.announceTimer);
    for (const { link } of this.#others(member)) link.joined(member.identity);
  }
}

/** A receiver that has not been told of the sender yet cannot name it. */
function asKnownTo(receiver: Member, packet: DataPacket): DataPacket {
  const { senderIdentity } = packet;
  if (senderIdentity === undefined || receiver.link.roster.has(senderIdentity)) return packet;
  return { ...packet, senderIdentity: undefined };
}
