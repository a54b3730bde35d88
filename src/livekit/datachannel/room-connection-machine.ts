// The life of a room's connection: a WebSocket for words and a transport for packets and sound, which are lost and regained
// apart from each other. Packets and sound never pass through here.

import { assign, fromPromise, setup } from "xstate";
import type { RoomConnectionContext, RoomConnectionEvent, RoomConnectionInput } from "./room-connection-context.js";
import { portsOf, roomConnectionContext, type RoomConnectionPorts } from "./room-connection-context.js";
import { RoomConnectError } from "../room.js";

export const roomConnectionMachine = setup({
  types: {
    context: {} as RoomConnectionContext,
    input: {} as RoomConnectionInput,
    events: {} as RoomConnectionEvent,
  },
  actors: {
    join: fromPromise<void, RoomConnectionPorts>(({ input, signal }) => input.join(signal)),
    resume: fromPromise<void, RoomConnectionPorts>(({ input, signal }) => input.resume(signal)),
    rejoin: fromPromise<void, RoomConnectionPorts>(({ input, signal }) => input.rejoin(signal)),
    leave: fromPromise<void, RoomConnectionPorts>(({ input }) => input.leave()),
  },
  guards: {
    isPeerAlive: ({ context }) => context.ports.isPeerAlive(),
    isRefused: ({ event }) => "error" in event && isRefusal(event.error),
  },
  delays: {
    lastWord: ({ context }) => context.limits.lastWordMs,
    reconnectMax: ({ context }) => context.limits.reconnectMaxMs,
    backoff: ({ context }) => context.ports.backoffMs(context.failures),
  },
  actions: {
    adoptReason: assign(({ event }) => ("reason" in event ? { endReason: event.reason } : {})),
    countFailure: assign(({ context }) => ({ failures: context.failures + 1 })),
    forgetFailures: assign({ failures: 0 }),
    tellJoined: ({ context }) => context.ports.joined(),
    tellJoinFailed: ({ context, event }) => context.ports.joinFailed("error" in event ? event.error : undefined),
    tellReconnecting: ({ context }) => context.ports.reconnecting(),
    tellReconnected: ({ context }) => context.ports.reconnected(),
    tellEnded: ({ context }) => context.ports.ended(context.endReason),
  },
}).createMachine({
  id: "roomConnection",
  description: "One room's connection to LiveKit: the signal connection and the peer transport.",
  context: roomConnectionContext,
  initial: "joining",
  on: {
    close: ".leaving",
    "server.ended": { target: ".leaving", actions: "adoptReason" },
  },
  states: {
    joining: {
      description: "The request with our offer is on its way, then the handshakes of the transport.",
      invoke: {
        id: "join",
        src: "join",
        input: portsOf,
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
      on: {
        "signal.lost": "reconnecting.rejoining",
        "server.rejoin": "reconnecting.rejoining",
      },
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
            input: portsOf,
            onDone: { target: "#roomConnection.connected", actions: "tellReconnected" },
            onError: [
              { guard: "isRefused", target: "#roomConnection.leaving" },
              { target: "waiting", actions: "countFailure" },
            ],
          },
          on: {
            "peer.lost": "rejoining",
            "server.rejoin": "rejoining",
          },
        },
        rejoining: {
          description: "Everything anew, as at the first join.",
          invoke: {
            id: "rejoin",
            src: "rejoin",
            input: portsOf,
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
      invoke: { id: "leave", src: "leave", input: portsOf, onDone: { target: "left", actions: "tellEnded" } },
      on: {
        close: {},
        "server.ended": {},
      },
    },
    left: {
      type: "final",
      description: "Nothing is left.",
    },
  },
});

/** Asking again with the same token would be refused again. */
const isRefusal = (error: unknown) => error instanceof RoomConnectError && error.code === "unauthorized";
