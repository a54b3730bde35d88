// One room: what the seam promises, on top of a connection that is kept.

import {
  RequestResponse_Reason,
  type JoinResponse,
  type ParticipantInfo,
  type RequestResponse,
} from "@livekit/protocol";
import { LATE, within } from "../../within.js";
import { checkPublish } from "../publish-check.js";
import { TrackPublishError } from "../room.js";
import type { FrameSource, PublishedTrack, Room, RoomEndReason, RoomListener, TrackFormat } from "../room.js";
import type { Pacer } from "../pacer.js";
import { InboundPackets } from "./inbound-packets.js";
import { Participants } from "./participants.js";
import { Publication } from "./publication.js";
import { RoomConnection, type RoomConnectionParts } from "./room-connection.js";
import type { SignalMessage } from "./signal-connection.js";
import type { Turns } from "./turns.js";

export interface DatachannelRoomParts extends Omit<RoomConnectionParts, "listener"> {
  readonly pacer: Pacer;
  readonly turns: Turns;
  readonly listener: RoomListener;
  /** Nothing of the room is left. */
  readonly onReleased: (room: DatachannelRoom) => void;
}

export class DatachannelRoom implements Room {
  readonly #parts: DatachannelRoomParts;
  readonly #connection: RoomConnection;
  readonly #packets = new InboundPackets();
  readonly #participants: Participants;
  readonly #publications = new Set<Publication>();
  #name = "";
  #local: ParticipantInfo | undefined;
  #state: "joining" | "open" | "ended" = "joining";
  #hasMisread = false;
  #closed: Promise<void> | undefined;

  constructor(parts: DatachannelRoomParts) {
    const { listener } = parts;
    this.#parts = parts;
    this.#participants = new Participants({
      joined: (identity) => this.#tell(() => listener.participantJoined(identity)),
      left: (identity, sid) => {
        this.#packets.forget(sid);
        this.#tell(() => listener.participantLeft(identity));
      },
    });
    this.#connection = new RoomConnection({
      ...parts,
      listener: {
        welcomed: (join) => this.#onWelcome(join),
        message: (message) => this.#onMessage(message),
        packet: (bytes, isReliable) => this.#onPacket(bytes, isReliable),
        reconnecting: () => this.#tell(() => listener.reconnecting()),
        reconnected: (isAnew) => this.#onReconnected(isAnew),
        ended: (reason) => this.#onEnded(reason),
        resumeState: () => ({
          publishTracks: [...this.#publications].flatMap((publication) => publication.state),
          lastSequences: this.#packets.lastSequences,
        }),
      },
    });
  }

  /** Settles as `RoomEngine.connect` promises. To be called once. */
  async join(): Promise<void> {
    try {
      await this.#connection.join();
      this.#state = "open";
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  get isJoined(): boolean {
    return this.#state !== "joining";
  }

  get name(): string {
    return this.#name;
  }

  get localIdentity(): string {
    return this.#local?.identity ?? "";
  }

  get participantCount(): number {
    return this.#participants.size + 1;
  }

  get remoteIdentities(): readonly string[] {
    return this.#participants.identities;
  }

  get trackCount(): number {
    return this.#publications.size;
  }

  async publishTrack(name: string, format: TrackFormat, source: FrameSource): Promise<PublishedTrack> {
    if (this.#isEnded()) throw new TrackPublishError("room_ended", "the room has ended");
    checkPublish(name, format, this.#local?.permission);
    const { options, pacer, turns } = this.#parts;
    const publication = new Publication({ options, pacer, turns, name, format, source });
    this.#publications.add(publication);
    try {
      const outcome = await within(options.clock, options.publishTimeoutMs, this.#publish(publication));
      if (outcome === LATE) throw new TrackPublishError("timeout", "LiveKit did not answer in time");
    } catch (error) {
      void this.#takeDown(publication);
      if (this.#isEnded())
        throw new TrackPublishError("room_ended", "the room ended while a track was published", { cause: error });
      if (error instanceof TrackPublishError) throw error;
      throw new TrackPublishError("internal", "the track could not be published", { cause: error });
    }
    publication.start();
    let closed: Promise<void> | undefined;
    return { name, wake: () => publication.wake(), close: () => (closed ??= this.#takeDown(publication)) };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#state = "ended";
    await this.#connection.close();
    this.#release();
  }

  /** Asked anew after each wait: it may have ended meanwhile. */
  #isEnded(): boolean {
    return this.#state === "ended";
  }

  /** On the link there is, and on the next one when that is lost meanwhile. */
  async #publish(publication: Publication): Promise<void> {
    for (;;) {
      await this.#connection.steady;
      // Given up meanwhile.
      if (!this.#publications.has(publication)) return;
      const { link } = this.#connection;
      try {
        return await publication.publish(link);
      } catch (error) {
        const isLinkGood = link === this.#connection.link && link.isPeerAlive;
        if (error instanceof TrackPublishError || isLinkGood || this.#isEnded()) throw error;
      }
    }
  }

  async #takeDown(publication: Publication): Promise<void> {
    publication.stop();
    const { clock, unpublishTimeoutMs, logger } = this.#parts.options;
    const fields = { room: this.#name, track: publication.name };
    try {
      const outcome = await within(clock, unpublishTimeoutMs, publication.unpublish(this.#connection.link));
      if (outcome === LATE) logger.warn(fields, "unpublishing a track took too long");
    } catch (error) {
      if (!this.#isEnded()) logger.warn({ ...fields, err: error }, "unpublishing a track failed");
    }
    this.#drop(publication);
  }

  #drop(publication: Publication): void {
    publication.release();
    this.#publications.delete(publication);
  }

  #onWelcome({ room, participant, otherParticipants }: JoinResponse): void {
    this.#name = room?.name ?? "";
    this.#local = participant;
    this.#participants.replace(otherParticipants);
  }

  #onMessage(message: SignalMessage): void {
    switch (message.case) {
      case "update":
        return this.#onUpdate(message.value.participants);
      case "trackPublished":
        for (const publication of this.#publications) publication.accepted(message.value);
        return;
      case "trackSubscribed":
        for (const publication of this.#publications)
          if (publication.sid === message.value.trackSid) publication.subscribed();
        return;
      case "requestResponse":
        return this.#onRefusal(message.value);
      default:
    }
  }

  #onUpdate(participants: readonly ParticipantInfo[]): void {
    const own = participants.find(({ identity }) => identity === this.localIdentity);
    if (own && own.sid === this.#local?.sid) this.#local = own;
    this.#participants.update(participants.filter(({ identity }) => identity !== this.localIdentity));
  }

  #onRefusal({ request, reason, message }: RequestResponse): void {
    if (reason === RequestResponse_Reason.OK || reason === RequestResponse_Reason.QUEUED) return;
    if (request.case !== "addTrack") return;
    for (const publication of this.#publications) publication.refused(request.value.cid, message);
  }

  #onPacket(bytes: Uint8Array, isReliable: boolean): void {
    try {
      const packet = this.#packets.read(bytes, isReliable);
      if (packet) this.#tell(() => this.#parts.listener.packet(packet));
    } catch (error) {
      if (!this.#hasMisread) this.#parts.options.logger.warn({ err: error, room: this.#name }, "not a data packet");
      this.#hasMisread = true;
    }
  }

  #onReconnected(isAnew: boolean): void {
    this.#tell(() => this.#parts.listener.reconnected());
    if (!isAnew) return;
    for (const publication of this.#publications) {
      if (publication.isStarted) void this.#publishAnew(publication);
    }
  }

  async #publishAnew(publication: Publication): Promise<void> {
    const { clock, publishTimeoutMs, logger } = this.#parts.options;
    const fields = { room: this.#name, track: publication.name };
    try {
      const outcome = await within(clock, publishTimeoutMs, publication.publish(this.#connection.link));
      if (outcome === LATE) logger.warn(fields, "publishing a track anew takes too long");
    } catch (error) {
      if (this.#state === "open") logger.warn({ ...fields, err: error }, "a track could not be published anew");
    }
  }

  #onEnded(reason: RoomEndReason): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#release();
    this.#call(() => this.#parts.listener.ended(reason));
  }

  #release(): void {
    this.#state = "ended";
    for (const publication of this.#publications) this.#drop(publication);
    this.#parts.onReleased(this);
  }

  #tell(callback: () => void): void {
    if (this.#state === "open") this.#call(callback);
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      const { logger } = this.#parts.options;
      logger.error({ err: error, room: this.#name, identity: this.localIdentity }, "a room listener threw");
    }
  }
}
