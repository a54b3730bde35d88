// The bridge's own presence in an in-memory room: the seam's `Room` over a member of the server.

import type { Clock } from "../../time.js";
import type { Pacer } from "../pacer.js";
import {
  TrackPublishError,
  type FrameSource,
  type PublishedTrack,
  type Room,
  type RoomListener,
  type TrackFormat,
} from "../room.js";
import { createTrackFeeder } from "../track-feeder.js";
import type { FaultDesk } from "./faults.js";
import type { LinkEvents } from "./link.js";
import type { Member, Sfu } from "./sfu.js";
import type { Grants } from "./token.js";

export interface EmbeddedRoomParts {
  readonly clock: Clock;
  readonly sfu: Sfu;
  readonly faults: FaultDesk;
  readonly pacer: Pacer;
  /** Rooms connected and not yet released; a room puts itself in and takes itself out. */
  readonly open: Set<Room>;
  /** Tracks published and not yet released. */
  readonly tally: { tracks: number };
}

const CLOSE_TIMEOUT_MS = 5_000;
const PUBLISH_TIMEOUT_MS = 10_000;
/** A track's beginning waits for somebody to listen, so that it is not cut, but not longer than this. */
const SUBSCRIBER_WAIT_MS = 300;
const SILENCE_TAIL_MS = 1_000;

export function joinEmbeddedRoom(parts: EmbeddedRoomParts, grants: Grants, listener: RoomListener): Room {
  const { sfu, faults, open } = parts;
  const tracks = new Set<PublishedTrack>();
  /** Aborted as soon as the room begins to end, whoever ends it. */
  const over = new AbortController();
  let closing: Promise<void> | undefined;
  let isReleased = false;

  function release(): void {
    if (isReleased) return;
    isReleased = true;
    over.abort();
    for (const track of tracks) void track.close();
    open.delete(room);
  }

  const events: LinkEvents = {
    packet: (packet) => listener.packet(packet),
    participantJoined: (identity) => listener.participantJoined(identity),
    participantLeft: (identity) => listener.participantLeft(identity),
    reconnecting: () => listener.reconnecting(),
    reconnected: () => listener.reconnected(),
    ended(reason) {
      release();
      listener.ended(reason);
    },
    // The bridge sends audio and never listens to any: it subscribes to nothing.
    trackPublished: () => undefined,
    trackUnpublished: () => undefined,
    frame: () => undefined,
  };

  async function leave(): Promise<void> {
    if (isReleased) return;
    member.link.mute();
    over.abort();
    await faults.hold("hangClose", grants, { limitMs: CLOSE_TIMEOUT_MS });
    sfu.remove(member);
    release();
  }

  async function publishTrack(name: string, format: TrackFormat, source: FrameSource): Promise<PublishedTrack> {
    if (!grants.canPublish) throw new TrackPublishError("not_allowed", "the token does not allow to publish");
    const outcome = await faults.hold("hangPublish", grants, { limitMs: PUBLISH_TIMEOUT_MS, ended: over.signal });
    if (over.signal.aborted || !sfu.isPresent(member)) throw new TrackPublishError("room_ended", "the room has ended");
    if (outcome === "timeout") throw new TrackPublishError("timeout", "the server did not confirm the track");
    const refusal = faults.publishRefusal(grants);
    if (refusal !== undefined) throw new TrackPublishError(refusal, "the server refused the track");
    const track = publishOn(parts, member, name, format, source, () => tracks.delete(track));
    tracks.add(track);
    return track;
  }

  const member = sfu.join(grants, events);
  const room: Room = {
    name: grants.room,
    localIdentity: grants.identity,
    get participantCount() {
      return member.link.roster.size + 1;
    },
    get remoteIdentities() {
      return [...member.link.roster];
    },
    publishTrack,
    close: () => (closing ??= leave()),
  };
  open.add(room);
  return room;
}

/** Publishes on the server and feeds what it plays, from the first subscriber (or the end of the wait) on. */
function publishOn(
  parts: EmbeddedRoomParts,
  member: Member,
  name: string,
  format: TrackFormat,
  source: FrameSource,
  onClosed: () => void,
): PublishedTrack {
  const { clock, sfu, pacer, tally } = parts;
  const emit = (frame: Int16Array): void => sfu.sendFrame(track, frame);
  const feeder = createTrackFeeder({ pacer, format, source, emit, silenceTailMs: SILENCE_TAIL_MS });
  const track = sfu.publish(member, name, format, () => feeder.start());
  const timer = clock.setTimeout(() => feeder.start(), SUBSCRIBER_WAIT_MS);
  tally.tracks++;
  let closing: Promise<void> | undefined;

  function release(): Promise<void> {
    clock.clearTimeout(timer);
    feeder.stop();
    sfu.unpublish(track);
    tally.tracks--;
    onClosed();
    return Promise.resolve();
  }

  return { name, wake: () => feeder.wake(), close: () => (closing ??= release()) };
}
