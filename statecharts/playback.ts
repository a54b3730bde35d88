// Generated from src/machines/playback.ts by `npm run statecharts:write`; changes belong there.
// Paste it into Stately's editor, or let the editor import it from GitHub.

import { createMachine } from "xstate";

export const playbackMachine = createMachine({
  id: "playback",
  description: "One PlayAudio call, from its acceptance to its last event.",
  invoke: { id: "player", src: "player", onError: { target: "#failed", actions: ["adoptCrash", "reportCrash"] } },
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
      on: { "player.opened": { actions: ["adoptMedia", "describeMedia"] }, "player.began": "playing" },
    },
    playing: { description: "Its sound is in the room.", entry: "reportBegan" },
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
