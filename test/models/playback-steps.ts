// What the cloud does to a bridge with PlayAudio and StopAudio, and how playbacks end by themselves. Steps that mean one
// playback mean the user's oldest.

import type { PlaybackBreakage } from "./playback-ports.js";
import { FakePlaybackPort } from "./playback-ports.js";
import type { BridgeModel } from "./bridge-model.js";
import type { PlaybackEnding, PlayModel } from "./playback-lives.js";
import type { StopWishes } from "./rig.js";
import type { Step } from "./step.js";
import { isServing, sessionOf } from "./step.js";

/** A track that all plays of a kind share, and one that nobody plays on. */
const SHARED_TRACK = 1;
const IDLE_TRACK = 2;

const oldestOf = (model: BridgeModel, user: string) => sessionOf(model, user)?.playbacks[0];
const isPlaying = (model: BridgeModel, user: string) => oldestOf(model, user) !== undefined;

/** A play that has its id and its track for itself. */
function freshPlay(model: BridgeModel): PlayModel {
  const number = model.ports.length;
  return { requestId: `play-${number}`, trackId: 1000 + number, stopOther: false };
}

type Wish = (model: BridgeModel, user: string) => Partial<PlayModel>;

function playAs(name: string, wish: Wish, isPossible: Step["isPossible"], broken?: PlaybackBreakage) {
  return (user: string): Step => {
    const request = (model: BridgeModel) => ({ ...freshPlay(model), ...wish(model, user) });
    return {
      name: `${user} ${name}`,
      isPossible: (model) => isServing(model) && isPossible(model),
      act: ({ ports, rig }, model) => ports.push(rig.play(user, request(model), broken)),
      apply: (model) => model.play(user, request(model), broken !== undefined),
    };
  };
}

const always = () => true;

export const play = playAs("plays", () => ({}), always);
export const playBroken = playAs("plays with a player that breaks", () => ({}), always, "player");
export const playUnheard = playAs("plays for a caller that cannot be told", () => ({}), always, "started");
export const playOnShared = playAs("plays on the shared track", () => ({ trackId: SHARED_TRACK }), always);
export const playInstead = playAs("plays and stops all others", () => ({ stopOther: true }), always);

export const playOver = (user: string): Step =>
  playAs(
    "plays on the track of another",
    (model) => pickFrom(oldestOf(model, user), "trackId"),
    (model) => isPlaying(model, user),
  )(user);

export const playAgain = (user: string): Step =>
  playAs(
    "plays under the id of another",
    (model) => pickFrom(oldestOf(model, user), "requestId"),
    (model) => isPlaying(model, user),
  )(user);

function pickFrom(playback: Partial<PlayModel> | undefined, field: "trackId" | "requestId"): Partial<PlayModel> {
  return playback ? { [field]: playback[field] } : {};
}

const stopAs = (name: string, wish: (model: BridgeModel, user: string) => StopWishes) => (user: string) =>
  ({
    name: `${user} stops ${name}`,
    isPossible: isServing,
    act: ({ ports, rig }, model) => ports.push(rig.stopAudio(user, wish(model, user))),
    apply(model) {
      const { requestId = "", trackId } = wish(model, user);
      model.stopAudio(user, requestId, trackId);
    },
  }) satisfies Step;

export const stopAll = stopAs("all playbacks", () => ({}));
export const stopAllByTrack = stopAs("the playbacks of track -1", () => ({ trackId: -1 }));
export const stopIdle = stopAs("a track on which nothing plays", () => ({ trackId: IDLE_TRACK }));
export const stopUnknown = stopAs("a playback that is not there", () => ({ requestId: "unknown", trackId: -1 }));
/** The id decides, whatever the track says. */
export const stopById = stopAs("a playback by its id", (model, user) => ({
  requestId: oldestOf(model, user)?.requestId ?? "unknown",
  trackId: IDLE_TRACK,
}));
export const stopByTrack = stopAs("a playback by its track", (model, user) => ({
  trackId: oldestOf(model, user)?.trackId ?? SHARED_TRACK,
}));

export const cancelPlay = (user: string): Step => ({
  name: `${user} cancels a PlayAudio`,
  isPossible: (model) => isPlaying(model, user),
  act(world, model) {
    const port = world.playbackOf(model, user);
    if (port) world.rig.cancelPlay(user, port);
  },
  apply: (model) => model.cancelPlay(user),
});

/** The call has ended; what its end and its cancellation have in common is that they may cross. */
export const lateCancelPlay = (user: string): Step => ({
  name: `${user} cancels a PlayAudio that has ended`,
  isPossible: isServing,
  act(world) {
    const port = world.ports.findLast((one) => one instanceof FakePlaybackPort && one.isSettled);
    if (port instanceof FakePlaybackPort) world.rig.cancelPlay(user, port);
  },
  apply: () => {},
});

export const openFile = (user: string): Step => ({
  name: `${user}'s file is open`,
  isPossible: (model) => oldestOf(model, user)?.isOpen === false,
  act: (world, model) => world.playbackOf(model, user)?.open(),
  apply: (model) => model.openFile(user),
});

export const beginSound = (user: string): Step => ({
  name: `${user}'s sound begins`,
  isPossible: (model) => oldestOf(model, user)?.isOpen === true && oldestOf(model, user)?.hasBegun === false,
  act: (world, model) => world.playbackOf(model, user)?.begin(),
  apply: (model) => model.beginSound(user),
});

export const endPlayback = (user: string, ending: PlaybackEnding): Step => ({
  name: `${user}'s playback has ${ending}`,
  // What crashes it is what its caller is told of the file.
  isPossible: (model) => isPlaying(model, user) && (ending !== "crashed" || oldestOf(model, user)?.isOpen === false),
  act(world, model) {
    const playback = world.playbackOf(model, user);
    if (ending === "completed") playback?.finish();
    else if (ending === "failed") playback?.failing();
    else playback?.crash();
  },
  apply: (model) => model.endPlayback(user, ending),
});

/** The session goes while a caller cannot be told that its playback ends. */
export const leaveUntold = (user: string): Step => ({
  name: `${user} leaves, and a playback's caller cannot be told`,
  isPossible: (model) => isPlaying(model, user),
  act(world, model) {
    const playback = world.playbackOf(model, user);
    if (playback) playback.broken = "fail";
    world.ports.push(world.rig.leave(user));
  },
  apply: (model) => model.leaveUntold(user),
});
