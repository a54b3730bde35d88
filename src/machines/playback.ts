// One PlayAudio call: fetched, played, and ended with exactly one last event. The player does the work and is invoked at
// the top, so that every way out stops it.

import { assign, fromCallback, setup } from "xstate";
import type { EventObject } from "xstate";
import type { PlaybackContext, PlaybackEvent, PlaybackInput, PlayerInput } from "./playback-context.js";
import { PLAYBACK_CRASHED, playbackContext, playerInput } from "./playback-context.js";

export const playbackMachine = setup({
  types: {
    context: {} as PlaybackContext,
    input: {} as PlaybackInput,
    events: {} as PlaybackEvent,
  },
  actors: { player: fromCallback<EventObject, PlayerInput>(() => {}) },
  actions: {
    answerStarted: ({ context }) => context.port.started(),
    adoptMedia: assign(({ event }) => (event.type === "player.opened" ? { media: event.media } : {})),
    describeMedia: ({ context }) => context.port.describe(context.media),
    adoptFailure: assign(({ event }) => ("failure" in event ? { failure: event.failure } : {})),
    adoptCrash: assign({ failure: PLAYBACK_CRASHED }),
    adoptDuration: assign(({ event }) => (event.type === "player.finished" ? { durationMs: event.durationMs } : {})),
    answerCompleted: ({ context }) => context.port.complete(context.durationMs),
    answerFailed: ({ context }) => {
      if (context.failure) context.port.fail(context.failure);
    },
    reportCrash: ({ context, event }) => {
      if ("error" in event) context.observer.crashed(context.label, event.error);
    },
    reportRequested: ({ context }) => context.observer.playbackRequested(context.label, context.port.request),
    reportBegan: ({ context }) => context.observer.playbackBegan(context.label, context.port.request, context.media),
    reportEnded: ({ context }) => context.observer.playbackEnded(context.label, context.port.request, context.failure),
  },
}).createMachine({
  id: "playback",
  description: "One PlayAudio call, from its acceptance to its last event.",
  context: playbackContext,
  invoke: {
    id: "player",
    src: "player",
    input: playerInput,
    onError: { target: "#failed", actions: ["adoptCrash", "reportCrash"] },
  },
  initial: "fetching",
  on: {
    "playback.end": { target: "#stopped", actions: "adoptFailure" },
    "player.failed": { target: "#failed", actions: "adoptFailure" },
    "player.finished": { target: "#completed", actions: "adoptDuration" },
  },
  states: {
    fetching: {
      description: "Accepted; the file is fetched and its beginning decoded.",
      entry: ["reportRequested", "answerStarted"],
      on: {
        "player.opened": { actions: ["adoptMedia", "describeMedia"] },
        "player.began": "playing",
      },
    },
    playing: {
      description: "Its sound is in the room.",
      entry: "reportBegan",
    },
    completed: {
      id: "completed",
      type: "final",
      description: "The last sample has been played out.",
      entry: ["answerCompleted", "reportEnded"],
    },
    failed: {
      id: "failed",
      type: "final",
      description: "It could not be fetched, decoded or published.",
      entry: ["answerFailed", "reportEnded"],
    },
    stopped: {
      id: "stopped",
      type: "final",
      description: "Stopped, interrupted, or its session or caller is gone.",
      entry: ["answerFailed", "reportEnded"],
    },
  },
});
