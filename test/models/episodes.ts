// Short lives of one user which, one after the other, use every named part of the machines.

import type { Settleable } from "../../src/machines/ports.js";
import type { FakeJoinReply, FakeStreamPort } from "./ports.js";
import type { Rig } from "./rig.js";
import { bridgeIdentity } from "./rig.js";

/** What an episode may do, and all that it is owed. Nothing in it expects: a broken session may answer anything. */
export interface Stage {
  readonly rig: Rig;
  readonly user: string;
  readonly owed: Settleable[];
}

export type Episode = (stage: Stage) => Promise<void>;

async function join(stage: Stage): Promise<FakeJoinReply> {
  const reply = await stage.rig.join(stage.user);
  stage.owed.push(reply);
  return reply;
}

function open(stage: Stage): FakeStreamPort {
  const port = stage.rig.open(stage.user);
  stage.owed.push(port);
  return port;
}

function play(stage: Stage) {
  const port = stage.rig.play(stage.user);
  stage.owed.push(port);
  return port;
}

const leave = ({ rig, user, owed }: Stage) => owed.push(rig.leave(user));
const isInRoom = ({ rig, user }: Stage) => rig.rooms.identities(user).includes(bridgeIdentity(user));

export const EPISODES: Readonly<Record<string, Episode>> = {
  async "joins slowly, with streams and playbacks that come too early"(stage) {
    const hold = stage.rig.rooms.faults.holdConnects({ identity: bridgeIdentity(stage.user) });
    await join(stage);
    open(stage);
    open(stage);
    play(stage);
    stage.owed.push(stage.rig.stopAudio(stage.user));
    await stage.rig.clock.advance(100);
    hold.lift();
    await stage.rig.settle();
  },

  async "changes streams"(stage) {
    await join(stage);
    await stage.rig.settle();
    open(stage);
    await stage.rig.talk(stage.user, 1, 2);
    const second = open(stage);
    await stage.rig.settle();
    second.halfClose();
    await stage.rig.settle();
    const third = open(stage);
    await stage.rig.settle();
    third.invalid();
    await stage.rig.settle();
  },

  async "plays more than is allowed at once"(stage) {
    await join(stage);
    open(stage);
    await stage.rig.settle();
    const playbacks = Array.from({ length: 11 }, () => play(stage));
    await stage.rig.settle();
    for (const playback of playbacks) playback.finish();
    await stage.rig.settle();
  },

  async "has playbacks of every kind"(stage) {
    const { rig, user } = stage;
    await join(stage);
    open(stage);
    await rig.settle();
    for (const ending of ["finish", "failing", "crash"] as const) {
      const playback = play(stage);
      if (ending !== "crash") playback.open();
      playback.begin();
      playback[ending]();
      await rig.settle();
    }
    stage.owed.push(rig.play(user, {}, "player"));
    const cancelled = play(stage);
    rig.cancelPlay(user, cancelled);
    play(stage);
    stage.owed.push(rig.play(user, { stopOther: true }));
    stage.owed.push(rig.stopAudio(user));
    await rig.settle();
  },

  async "loses its transport for a while"(stage) {
    await join(stage);
    open(stage);
    await stage.rig.settle();
    if (!isInRoom(stage)) return;
    play(stage);
    stage.rig.rooms.dropTransport(stage.user, bridgeIdentity(stage.user), { durationMs: 1000 });
    await stage.rig.settle();
    play(stage);
    await stage.rig.clock.advance(1000);
  },

  async "falls silent"(stage) {
    await join(stage);
    const stream = open(stage);
    await stage.rig.settle();
    stream.heartbeat();
    stream.heartbeat();
    await stage.rig.clock.advance(30_000);
  },

  async "cancels a join"(stage) {
    const hold = stage.rig.rooms.faults.holdConnects({ identity: bridgeIdentity(stage.user) });
    const reply = await join(stage);
    stage.rig.cancelJoin(stage.user, reply);
    hold.lift();
    await stage.rig.settle();
  },

  async "cancels a stream"(stage) {
    await join(stage);
    const stream = open(stage);
    await stage.rig.settle();
    stream.cancel();
    await stage.rig.settle();
  },

  async "is removed from the room"(stage) {
    await join(stage);
    open(stage);
    await stage.rig.settle();
    if (isInRoom(stage)) await stage.rig.rooms.removeParticipant(stage.user, bridgeIdentity(stage.user));
    await stage.rig.settle();
  },

  async "has a callback that throws"(stage) {
    await join(stage);
    open(stage);
    await stage.rig.settle();
    const media = [...stage.rig.medias.values()].at(-1);
    const call = stage.rig.calls.get(stage.user)?.at(-1);
    if (!media || !call) return;
    media.participantLeft = () => {
      throw new Error("this media is broken");
    };
    call.listener.participantLeft("somebody");
    await stage.rig.settle();
  },

  async "leaves a room that hangs"(stage) {
    await join(stage);
    open(stage);
    await stage.rig.settle();
    const hang = stage.rig.rooms.faults.hangCloses({ identity: bridgeIdentity(stage.user) });
    leave(stage);
    await stage.rig.clock.advance(4000);
    hang.lift();
    await stage.rig.settle();
  },

  async "is drained"(stage) {
    await join(stage);
    open(stage);
    await stage.rig.settle();
    stage.rig.drain();
    await stage.rig.clock.advance(10_000);
  },
};
