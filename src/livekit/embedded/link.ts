// One participant's connection to the in-memory server, and what it knows of the others. The server writes to it; it
// arrives through the mailbox. During an outage, signals and reliable packets are kept and lossy packets and audio are
// lost, as over a data channel whose transport is resumed.

import type { Clock } from "../../time.js";
import type { DataPacket, RoomEndReason } from "../room.js";
import type { Mailbox } from "./mailbox.js";
import type { ServerTrack } from "./sfu.js";

export interface LinkEvents {
  packet(packet: DataPacket): void;
  participantJoined(identity: string): void;
  participantLeft(identity: string): void;
  reconnecting(): void;
  reconnected(): void;
  ended(reason: RoomEndReason): void;
  trackPublished(track: ServerTrack): void;
  trackUnpublished(track: ServerTrack): void;
  frame(track: ServerTrack, samples: Int16Array, at: number): void;
}

/** How something may be treated while the transport is away. */
export type Delivery = "signal" | "reliable" | "lossy";

/** Ends in `reconnected`, or, told to lose, in `ended("connection_lost")`. */
export interface Outage {
  readonly durationMs: number;
  /**
   * `resume`, the default: reliable packets and news are kept and follow. `full`: everybody is heard to leave at the
   * beginning and to join at the end, and the packets of the meantime are gone. `lost`: the participant is given up.
   */
  readonly end?: "resume" | "full" | "lost";
}

export interface Link {
  /** Others that have been announced, as far as the announcements have arrived. */
  readonly roster: Set<string>;
  readonly isOut: boolean;
  /** Towards the participant. */
  send(delivery: Delivery, letter: (events: LinkEvents) => void): void;
  joined(identity: string): void;
  left(identity: string): void;
  /** From the participant: runs `act` now, after the outage, or never. */
  receive(delivery: Delivery, act: () => void): void;
  /** `finish` is called at the end: it calls `end`, or returns who is announced in the room by then. */
  goOut(outage: Outage, finish: () => readonly string[]): void;
  /** The last thing the participant hears. */
  end(reason: RoomEndReason): void;
  /** The participant hears nothing more, whatever is still on its way. */
  mute(): void;
}

/** Reliable packets kept during one outage, per direction; what comes on top is lost, as from a full send buffer. */
export const HELD_PACKETS_MAX = 1_000;

export function createLink(clock: Clock, mailbox: Mailbox, events: LinkEvents): Link {
  const roster = new Set<string>();
  const inbound = createHold();
  const outbound = createHold();
  let outage: Outage | undefined;
  let outageTimer: unknown;
  let isEnding = false;
  let isMuted = false;

  function post(letter: (events: LinkEvents) => void): void {
    mailbox.post(() => {
      if (!isMuted) letter(events);
    });
  }

  function send(delivery: Delivery, letter: (events: LinkEvents) => void): void {
    if (isEnding || isMuted) return;
    if (outage === undefined) post(letter);
    else inbound.keep(outage, delivery, () => post(letter));
  }

  function comeBack(present: readonly string[]): void {
    if (isEnding || isMuted) return;
    if (outage?.end === "full") for (const identity of present) post(joining(roster, identity));
    outage = undefined;
    post((events) => events.reconnected());
    inbound.letGo();
    outbound.letGo();
  }

  function stop(): void {
    clock.clearTimeout(outageTimer);
    inbound.drop();
    outbound.drop();
  }

  return {
    roster,
    get isOut() {
      return outage !== undefined;
    },
    send,
    joined: (identity) => send("signal", joining(roster, identity)),
    left: (identity) => send("signal", leaving(roster, identity)),
    receive(delivery, act) {
      if (isEnding) return;
      if (outage === undefined) act();
      else outbound.keep(outage, delivery, act);
    },
    goOut(next, finish) {
      if (outage !== undefined) throw new Error("the transport is away already");
      outage = next;
      if (next.end === "full") for (const identity of roster) post(leaving(roster, identity));
      post((events) => events.reconnecting());
      outageTimer = clock.setTimeout(() => comeBack(finish()), next.durationMs);
    },
    end(reason) {
      if (isEnding) return;
      isEnding = true;
      stop();
      post((events) => {
        isMuted = true;
        events.ended(reason);
      });
    },
    mute() {
      isMuted = true;
      stop();
    },
  };
}

/** Announces once: after a full reconnect the same news may come from the list and from what was kept. */
function joining(roster: Set<string>, identity: string) {
  return (events: LinkEvents): void => {
    if (roster.has(identity)) return;
    roster.add(identity);
    events.participantJoined(identity);
  };
}

/** Only who was announced can be heard to leave. */
function leaving(roster: Set<string>, identity: string) {
  return (events: LinkEvents): void => {
    if (roster.delete(identity)) events.participantLeft(identity);
  };
}

function createHold() {
  let held: (() => void)[] = [];
  let packets = 0;
  return {
    keep(outage: Outage, delivery: Delivery, act: () => void): void {
      if (delivery === "lossy") return;
      if (delivery === "reliable" && (outage.end === "full" || ++packets > HELD_PACKETS_MAX)) return;
      held.push(act);
    },
    letGo(): void {
      const acts = held;
      held = [];
      packets = 0;
      for (const act of acts) act();
    },
    drop(): void {
      held = [];
    },
  };
}
