// One joined room, driven by LiveKit's FFI protocol: requests with the room's handles, events by its room handle.
//
// Its life is open, closing, released. Whatever ends it, the same release runs once: the native room is told to
// disconnect even when the server has ended it, since only that stops its native tasks; then every handle is dropped.

import type { ConnectCallback, ParticipantPermission, RoomEvent } from "@livekit/rtc-ffi-bindings";
import { DataPacketKind } from "@livekit/rtc-ffi-bindings/proto/room_pb.js";
import { endReason } from "../end-reason.js";
import type { Pacer } from "../pacer.js";
import { checkPublish } from "../publish-check.js";
import { TrackPublishError } from "../room.js";
import type { FrameSource, PublishedTrack, Room, RoomEndReason, RoomListener, TrackFormat } from "../room.js";
import { createAudioTrack, type AudioTrack } from "./audio-track.js";
import type { FfiClient } from "./ffi-client.js";
import type { CompleteOptions } from "./options.js";
import { ownedHandles, remoteHandles } from "./owned-handles.js";
import { createRoster, type Roster } from "./roster.js";
import { LATE, within } from "../../within.js";

export type ConnectResult = Extract<ConnectCallback["message"], { case: "result" }>["value"];
type RoomEventMessage = RoomEvent["message"];
type PacketEvent = Extract<RoomEventMessage, { case: "dataPacketReceived" }>["value"];

export interface RtcRoomParts {
  readonly client: FfiClient;
  readonly options: CompleteOptions;
  readonly pacer: Pacer;
  readonly result: ConnectResult;
  readonly listener: RoomListener;
  /** Nothing of the room is left. */
  readonly onReleased: (room: RtcRoom) => void;
}

export class RtcRoom implements Room {
  readonly name: string;
  readonly localIdentity: string;
  readonly #parts: RtcRoomParts;
  readonly #roomHandle: bigint;
  readonly #localParticipantHandle: bigint;
  readonly #roster: Roster;
  readonly #tracks = new Set<AudioTrack>();
  /** Aborts when the room begins to end, for whatever reason. */
  readonly #end = new AbortController();
  #permission: ParticipantPermission | undefined;
  /** Called at the end of a reconnect; undefined while the connection is steady. */
  #whenSteady: (() => void)[] | undefined;
  #released: Promise<void> | undefined;
  #isCloseAsked = false;

  constructor(parts: RtcRoomParts) {
    const { client, result, listener, options } = parts;
    this.#parts = parts;
    this.name = result.room?.info?.name ?? "";
    this.localIdentity = result.localParticipant?.info?.identity ?? "";
    this.#roomHandle = result.room?.handle?.id ?? 0n;
    this.#localParticipantHandle = result.localParticipant?.handle?.id ?? 0n;
    this.#permission = result.localParticipant?.info?.permission;
    this.#roster = createRoster({
      clock: options.clock,
      present: result.participants.flatMap((remote) => remote.participant?.info?.identity ?? []),
      onJoined: (identity) => this.#tell(() => listener.participantJoined(identity)),
      onLeft: (identity) => this.#tell(() => listener.participantLeft(identity)),
    });
    for (const handle of remoteHandles(result)) client.dropHandle(handle);
    client.addRoom(this.#roomHandle, (event) => this.#onEvent(event));
    this.#beReady();
  }

  /** Within 15 s of the join, or the native side ends the room and reports a panic. A disconnect waits for it, too. */
  #beReady(): void {
    try {
      this.#parts.client.ask({ case: "readyForRoomEvent", value: { roomHandle: this.#roomHandle } });
    } catch {
      // An event loop that was blocked for so long: the native room is gone already, and nobody else will say so.
      setImmediate(() => void this.#endBy("connection_lost"));
    }
  }

  get participantCount(): number {
    return this.#roster.size + 1;
  }

  get remoteIdentities(): readonly string[] {
    return this.#roster.identities;
  }

  get trackCount(): number {
    return this.#tracks.size;
  }

  async publishTrack(name: string, format: TrackFormat, source: FrameSource): Promise<PublishedTrack> {
    if (this.#end.signal.aborted) throw new TrackPublishError("room_ended", "the room has ended");
    checkPublish(name, format, this.#permission);
    const track = await this.#publish(name, format, source);
    let closed: Promise<void> | undefined;
    return { name, wake: () => track.wake(), close: () => (closed ??= this.#closeTrack(track)) };
  }

  async #publish(name: string, format: TrackFormat, source: FrameSource): Promise<AudioTrack> {
    const { client, options, pacer } = this.#parts;
    const localParticipantHandle = this.#localParticipantHandle;
    const roomEnd = this.#end.signal;
    let track: AudioTrack | undefined;
    try {
      track = createAudioTrack({ client, options, pacer, localParticipantHandle, name, format, source, roomEnd });
      this.#tracks.add(track);
      await track.publish();
      return track;
    } catch (error) {
      if (track) this.#dropTrack(track);
      if (error instanceof TrackPublishError) throw error;
      throw new TrackPublishError("internal", "the track could not be published", { cause: error });
    }
  }

  close(): Promise<void> {
    this.#isCloseAsked = true;
    return this.#release();
  }

  /** Not while reconnecting: the native side panics, or waits for ever, over a track it is about to publish anew. */
  async #closeTrack(track: AudioTrack): Promise<void> {
    const { clock, unpublishTimeoutMs } = this.#parts.options;
    track.stop();
    await within(clock, unpublishTimeoutMs, this.#takeDown(track));
  }

  async #takeDown(track: AudioTrack): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#whenSteady) this.#whenSteady.push(resolve);
      else resolve();
    });
    await track.unpublish();
    this.#dropTrack(track);
  }

  #dropTrack(track: AudioTrack): void {
    track.release();
    this.#tracks.delete(track);
  }

  #release(): Promise<void> {
    this.#released ??= this.#releaseOnce();
    return this.#released;
  }

  async #releaseOnce(): Promise<void> {
    const { client, options, onReleased } = this.#parts;
    this.#end.abort();
    this.#steady();
    for (const track of this.#tracks) track.stop();
    const forget = new AbortController();
    try {
      const disconnect = { case: "disconnect", value: { roomHandle: this.#roomHandle } } as const;
      const answer = client.call(disconnect, forget.signal);
      const outcome = await within(options.clock, options.roomCloseTimeoutMs, answer);
      if (outcome === LATE) options.logger.warn({ room: this.name }, "leaving a room took too long; it ends behind");
    } catch (error) {
      options.logger.warn({ err: error, room: this.name }, "leaving a room failed");
    }
    forget.abort();
    client.removeRoom(this.#roomHandle);
    for (const track of this.#tracks) this.#dropTrack(track);
    this.#roster.close();
    client.dropHandle(this.#localParticipantHandle);
    client.dropHandle(this.#roomHandle);
    onReleased(this);
  }

  /** LiveKit ended the room. The listener learns of it when everything is released. */
  async #endBy(reason: RoomEndReason): Promise<void> {
    if (this.#end.signal.aborted) return;
    await this.#release();
    if (!this.#isCloseAsked) this.#call(() => this.#parts.listener.ended(reason));
  }

  #tell(callback: () => void): void {
    if (!this.#end.signal.aborted) this.#call(callback);
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      const { logger } = this.#parts.options;
      logger.error({ err: error, room: this.name, identity: this.localIdentity }, "a room listener threw");
    }
  }

  #onEvent(event: RoomEvent): void {
    const message = event.message;
    if (message.case === "dataPacketReceived") this.#onPacket(message.value);
    else if (!this.#end.signal.aborted) this.#onChange(message);
    for (const handle of ownedHandles(event)) this.#parts.client.dropHandle(handle);
  }

  #onPacket(packet: PacketEvent): void {
    if (packet.value.case !== "user" || this.#end.signal.aborted) return;
    const { data, topic } = packet.value.value;
    const length = Number(data?.data?.dataLen ?? 0n);
    const pointer = data?.data?.dataPtr ?? 0n;
    const payload = length > 0 ? this.#parts.client.copyBuffer(pointer, length) : new Uint8Array(0);
    // The identity is empty for a sender that is not announced, and for the server's own API.
    const senderIdentity = packet.participantIdentity || undefined;
    const isReliable = packet.kind === DataPacketKind.KIND_RELIABLE;
    this.#call(() => this.#parts.listener.packet({ payload, senderIdentity, topic, isReliable }));
  }

  #onChange(message: RoomEventMessage): void {
    switch (message.case) {
      case "participantConnected":
        return this.#roster.joined(message.value.info?.info?.identity ?? "");
      case "participantDisconnected":
        return this.#roster.left(message.value.participantIdentity ?? "");
      case "reconnecting":
        return this.#onReconnecting();
      case "reconnected":
        return this.#onReconnected();
      case "disconnected":
        return void this.#endBy(endReason(message.value.reason));
      case "eos":
        return void this.#endBy("connection_lost");
      case "localTrackSubscribed":
        return this.#trackBySid(message.value.trackSid)?.subscribed();
      case "localTrackRepublished": {
        const track = this.#trackBySid(message.value.previousSid);
        if (track) track.sid = message.value.info?.sid;
        return;
      }
      case "participantPermissionChanged":
        if (message.value.participantIdentity === this.localIdentity) this.#permission = message.value.permission;
        return;
      default:
    }
  }

  #onReconnecting(): void {
    this.#roster.reconnecting();
    this.#whenSteady ??= [];
    this.#tell(() => this.#parts.listener.reconnecting());
  }

  #onReconnected(): void {
    this.#steady();
    this.#tell(() => this.#parts.listener.reconnected());
    this.#roster.reconnected();
  }

  #steady(): void {
    const waiting = this.#whenSteady ?? [];
    this.#whenSteady = undefined;
    for (const resolve of waiting) resolve();
  }

  #trackBySid(sid: string | undefined): AudioTrack | undefined {
    for (const track of this.#tracks) if (track.sid !== undefined && track.sid === sid) return track;
    return undefined;
  }
}
