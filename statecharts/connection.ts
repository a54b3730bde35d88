// Generated from src/client/connection/connection-machine.ts by `npm run statecharts:write`; changes belong there.
// Paste it into Stately's editor, or let the editor import it from GitHub.

import { createMachine } from "xstate";

export const connectionMachine = createMachine({
  id: "connection",
  description: "One user's connection to a bridge, as the cloud keeps it.",
  initial: "idle",
  on: { dispose: { target: ".closed", actions: "leave" } },
  states: {
    idle: {
      description: "Nothing is wanted, or what was wanted has ended for good.",
      entry: "forgetIntent",
      on: {
        connect: { target: "active", actions: "adoptIntent" },
        rejoin: { target: "active", actions: "adoptIntent" },
        disconnect: { actions: "leave" },
      },
    },
    active: {
      description: "One join, and the stream that follows it.",
      invoke: {
        id: "attempt",
        src: "attempt",
        onError: [
          { guard: "isPersistent", target: "waiting", actions: "adoptCrash" },
          { target: "idle", actions: ["adoptCrash", "reportGivenUp"] },
        ],
      },
      on: {
        connect: { actions: "adoptIntent" },
        disconnect: { target: "idle", actions: "leave" },
        "attempt.failed": [
          { guard: "isPersistent", target: "waiting", actions: "adoptFailure" },
          { target: "idle", actions: ["adoptFailure", "reportGivenUp"] },
        ],
        "attempt.ended": [
          { guard: "mayComeBack", target: "waiting", actions: "adoptEndAsFailure" },
          { target: "idle", actions: "reportEnded" },
        ],
      },
      initial: "joining",
      states: {
        joining: {
          description: "A fresh token, JoinRoom, and the stream on its way to be accepted.",
          on: {
            "attempt.joined": { actions: "reportJoined" },
            "attempt.accepted": "streaming",
            rejoin: [
              { guard: "isRestart", target: "#connection.active", reenter: true, actions: "adoptIntent" },
              { actions: "adoptIntent" },
            ],
          },
        },
        streaming: {
          description: "The bridge has accepted the stream: audio flows.",
          entry: ["becomePersistent", "reportStreaming"],
          after: { stableAfter: { actions: "resetAttempts" } },
          on: { rejoin: { target: "#connection.active", reenter: true, actions: ["adoptIntent", "makeWay"] } },
        },
      },
    },
    waiting: {
      description: "After a failure: for the backoff to pass, or for the channel to come back.",
      entry: ["drawDelay", "reportRetry"],
      exit: "countAttempt",
      invoke: { id: "channelWatch", src: "channelWatch" },
      on: {
        "channel.back": "active",
        rejoin: { target: "active", actions: "adoptIntent" },
        disconnect: { target: "idle", actions: "leave" },
      },
      after: { backoff: "active" },
    },
    closed: { type: "final", description: "Disposed." },
  },
});
