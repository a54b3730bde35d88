// What LiveKit, the network and time do to a bridge, and what comes too late.

import type { RoomEndReason } from "../../src/livekit/room.js";
import { bridgeIdentity, reportOf } from "./rig.js";
import type { Step } from "./step.js";
import { isLive, isServing, sessionOf } from "./step.js";

const always = () => true;

export const talk = (user: string, count: number): Step => ({
  name: `${user}'s phone sends ${count} packets`,
  isPossible: always,
  act: ({ rig }, { lastNumber }) =>
    rig.talk(user, ...Array.from({ length: count }, (_, index) => lastNumber + 1 + index)),
  apply: (model) => model.talk(user, count),
});

export const kick = (user: string, reason: RoomEndReason): Step => ({
  name: `LiveKit ends ${user}'s room: ${reason}`,
  isPossible: (model) => isLive(model, user) && reason !== "connection_lost",
  async act({ rig: { rooms } }) {
    if (reason === "participant_removed") await rooms.removeParticipant(user, bridgeIdentity(user));
    else if (reason === "room_deleted") await rooms.deleteRoom(user);
    else if (reason === "duplicate_identity") {
      const other = await rooms.join({ identity: bridgeIdentity(user), room: user });
      await other.leave();
    } else {
      rooms.shutdown();
      rooms.restart();
    }
  },
  apply(model) {
    const users = reason === "server_shutdown" ? [...model.current.keys()] : [user];
    for (const one of users) model.endRoom(one, reason === "duplicate_identity" ? model.kickReason(one) : reason);
    // Whoever hangs while leaving is put out as well, and does not hear of it.
    const isPutOut = (one: string) => users.includes(one) || reason === "server_shutdown";
    for (const session of model.sessions) if (isPutOut(session.userId)) session.isMember = false;
  },
});

export const holdConnects = (user: string): Step => ({
  name: `${user}'s connects hang`,
  isPossible: (model) => !model.holds.has(user),
  act: ({ rig, lifts }) => lifts.set(`hold ${user}`, rig.rooms.faults.holdConnects({ identity: bridgeIdentity(user) })),
  apply: (model) => model.holds.add(user),
});

export const releaseConnects = (user: string): Step => ({
  name: `${user}'s connects go on`,
  isPossible: (model) => model.holds.has(user),
  act: ({ lifts }) => lifts.get(`hold ${user}`)?.lift(),
  apply: (model) => model.releaseConnects(user),
});

export const hangCloses = (user: string): Step => ({
  name: `${user}'s rooms hang when left`,
  isPossible: (model) => !model.hangs.has(user),
  act: ({ rig, lifts }) => lifts.set(`hang ${user}`, rig.rooms.faults.hangCloses({ identity: bridgeIdentity(user) })),
  apply: (model) => model.hangs.add(user),
});

export const releaseCloses = (user: string): Step => ({
  name: `${user}'s rooms are left at last`,
  isPossible: (model) => model.hangs.has(user),
  act: ({ lifts }) => lifts.get(`hang ${user}`)?.lift(),
  apply: (model) => model.releaseCloses(user),
});

export const dropTransport = (user: string, durationMs: number, isLost: boolean): Step => ({
  name: `${user}'s transport is away for ${durationMs} ms${isLost ? " and lost" : ""}`,
  isPossible: (model) => isLive(model, user) && sessionOf(model, user)?.outage === undefined,
  act({ rig }) {
    const end = isLost ? "lost" : "resume";
    rig.rooms.dropTransport(user, bridgeIdentity(user), { durationMs, end });
  },
  apply: (model) => model.dropTransport(user, durationMs, isLost),
});

export const fault = (user: string): Step => ({
  name: `a callback of ${user}'s session throws`,
  isPossible: (model) => isLive(model, user),
  act({ rig }, model) {
    const media = rig.medias.get(sessionOf(model, user)?.generation ?? 0);
    if (!media) return;
    media.participantLeft = () => {
      throw new Error("this media is broken");
    };
    rig.calls.get(user)?.at(-1)?.listener.participantLeft("somebody");
  },
  apply: (model) => model.fault(user),
});

// What comes too late.

export const lateStream = (user: string, event: "halfClosed" | "cancelled" | "invalid" | "taken"): Step => ({
  name: `an old stream of ${user} is ${event}`,
  isPossible: (model) => model.streams.some(({ userId, port }) => userId === user && port.answer !== undefined),
  act(world, model) {
    const old = model.streams.findLast(({ userId, port }) => userId === user && port.answer !== undefined);
    const port = world.portOf(model, old?.port);
    if (port && "late" in port) port.late(event);
  },
  apply: () => {},
});

export const lateRoom = (user: string, event: "ended" | "reconnecting" | "packet"): Step => ({
  name: `an old room of ${user} tells "${event}"`,
  isPossible(model) {
    const first = model.connects.get(user)?.[0];
    return first !== undefined && first !== sessionOf(model, user)?.generation;
  },
  act({ rig }) {
    const listener = rig.calls.get(user)?.[0]?.listener;
    const payload = new Uint8Array(640);
    if (event === "ended") listener?.ended("participant_removed");
    else if (event === "reconnecting") listener?.reconnecting();
    else listener?.packet({ payload, senderIdentity: user, topic: undefined, isReliable: true });
  },
  apply: () => {},
});

export const lateReport = (user: string): Step => ({
  name: `an old session of ${user} reports its end once more`,
  isPossible: (model) => isServing(model) && model.disconnects.has(user),
  act({ rig }, model) {
    const last = model.disconnects.get(user);
    if (!last) return;
    const atMs = rig.clock.wallNow() - rig.clock.now() + last.atMs;
    rig.supervisor.send(reportOf(user, last.generation, "left", atMs));
  },
  apply(model) {
    const last = model.disconnects.get(user);
    if (last) last.reason = "left";
  },
});

// What time does.

/** Time passes; 1 ms before each limit on the way nothing may have changed, and at the limit everything must have. */
export const wait = (ms: number): Step => ({
  name: `${ms} ms pass`,
  isPossible: always,
  act() {},
  apply: (model) => model.advanceTo(model.nowMs + ms),
  run: (world, model) => world.passTime(model, model.nowMs + ms),
});

/** Time passes up to the next limit, whichever that is. */
export const nextLimit: Step = {
  name: "the next limit is reached",
  isPossible: (model) => model.nextDeadlineMs !== undefined,
  act() {},
  apply: (model) => model.advanceTo(model.nextDeadlineMs ?? model.nowMs),
  run: (world, model) => world.passTime(model, model.nextDeadlineMs ?? model.nowMs),
};
