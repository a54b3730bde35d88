// Generated from src/machines/supervisor.ts by `npm run statecharts:write`; changes belong there.
// Paste it into Stately's editor, or let the editor import it from GitHub.

import { createMachine } from "xstate";

export const supervisorMachine = createMachine({
  id: "supervisor",
  description: "All sessions of one process: joins, replacements, reaping, drain.",
  on: {
    "join.cancelled": { guard: "hasSession", actions: "forward" },
    "session.leave": [
      { guard: "isOutdated", actions: "refuseLeave" },
      { guard: "hasSession", actions: "forward" },
      { actions: "refuseLeave" },
    ],
    "stream.open": [
      { guard: "isOutdated", actions: "refuseOutdatedStream" },
      { guard: "hasSession", actions: "forward" },
      { actions: "refuseStream" },
    ],
    "playback.request": [{ guard: "hasSession", actions: "forward" }, { actions: "refusePlayback" }],
    "playback.cancelled": { guard: "hasSession", actions: "forward" },
    "playback.stop": [{ guard: "hasSession", actions: "forward" }, { actions: "refuseStop" }],
    "session.closing": [
      { guard: "isCurrentGeneration", actions: ["retireCurrent", "rememberEnd"] },
      { actions: "rememberEnd" },
    ],
    "session.parted": { actions: "recordParted" },
    "xstate.done.actor.*": { actions: "reap" },
    "xstate.error.actor.*": { actions: "reap" },
  },
  initial: "accepting",
  states: {
    accepting: {
      description: "Joins are taken; a join of a user who has a session replaces it.",
      on: {
        "session.join": [
          { guard: "isOutdated", actions: "refuseOutdatedJoin" },
          { guard: "isFull", actions: "refuseFull" },
          { actions: ["replaceExisting", "startSession"] },
        ],
        drain: "draining",
      },
    },
    draining: {
      description: "No more joins; every room is left, then every stream is released at once.",
      entry: "drainSessions",
      on: { "session.join": { actions: "refuseDraining" } },
      initial: "leaving",
      states: {
        leaving: {
          description: "Sessions leave their rooms; their streams stay open.",
          always: { guard: "haveAllParted", target: "releasing" },
          after: { drainTimeout: "releasing" },
        },
        releasing: {
          description: "Streams end UNAVAILABLE \"draining\", all at once, so that clients return together.",
          entry: "releaseSessions",
          always: { guard: "hasNoSessions", target: "#drained" },
          after: { releaseTimeout: "#drained" },
        },
      },
    },
    drained: {
      id: "drained",
      type: "final",
      description: "Nothing is left; the process may exit.",
      entry: "abandonSessions",
    },
  },
});
