// Generated from src/livekit/datachannel/room-connection-machine.ts by `npm run statecharts:write`; changes belong there.
// Paste it into Stately's editor, or let the editor import it from GitHub.

import { createMachine } from "xstate";

export const roomConnectionMachine = createMachine({
  id: "roomConnection",
  description: "One room's connection to LiveKit: the signal connection and the peer transport.",
  initial: "joining",
  on: { close: ".leaving", "server.ended": { target: ".leaving", actions: "adoptReason" } },
  states: {
    joining: {
      description: "The request with our offer is on its way, then the handshakes of the transport.",
      invoke: {
        id: "join",
        src: "join",
        onDone: { target: "connected", actions: "tellJoined" },
        onError: { target: "left", actions: "tellJoinFailed" },
      },
    },
    connected: {
      description: "Both stand: words, packets and sound flow.",
      entry: "forgetFailures",
      on: {
        "signal.lost": "reconnecting.resuming",
        "server.rejoin": "reconnecting.rejoining",
        "peer.lost": "wondering",
      },
    },
    wondering: {
      description: "The transport is gone; a server that has ended the room says so in a moment.",
      on: { "signal.lost": "reconnecting.rejoining", "server.rejoin": "reconnecting.rejoining" },
      after: { lastWord: "reconnecting.rejoining" },
    },
    reconnecting: {
      description: "Something is lost, and being regained.",
      entry: "tellReconnecting",
      after: { reconnectMax: "leaving" },
      initial: "resuming",
      states: {
        resuming: {
          description: "A new signal connection for a transport that still stands.",
          invoke: {
            id: "resume",
            src: "resume",
            onDone: { target: "#roomConnection.connected", actions: "tellReconnected" },
            onError: [
              { guard: "isRefused", target: "#roomConnection.leaving" },
              { target: "waiting", actions: "countFailure" },
            ],
          },
          on: { "peer.lost": "rejoining", "server.rejoin": "rejoining" },
        },
        rejoining: {
          description: "Everything anew, as at the first join.",
          invoke: {
            id: "rejoin",
            src: "rejoin",
            onDone: { target: "#roomConnection.connected", actions: "tellReconnected" },
            onError: [
              { guard: "isRefused", target: "#roomConnection.leaving" },
              { target: "waiting", actions: "countFailure" },
            ],
          },
        },
        waiting: {
          description: "After an attempt that failed, so that a server that comes back is not overrun.",
          after: { backoff: [{ guard: "isPeerAlive", target: "resuming" }, { target: "rejoining" }] },
        },
      },
    },
    leaving: {
      description: "Says good-bye if it can, and lets go of everything.",
      invoke: { id: "leave", src: "leave", onDone: { target: "left", actions: "tellEnded" } },
      on: { close: {}, "server.ended": {} },
    },
    left: { type: "final", description: "Nothing is left." },
  },
});
