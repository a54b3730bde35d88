// The life of one user's connection to a bridge: who joins when, after what, and when not. The attempt is one actor for a
// join and the stream that follows it, so that whatever leads out of `active` ends both; audio never passes through here.

import { assign, fromCallback, setup } from "xstate";
import type {
  AttemptInput,
  ChannelWatchInput,
  ConnectionContext,
  ConnectionEvent,
  ConnectionInput,
} from "./connection-context.js";
import { attemptInput, channelWatchInput, connectionContext } from "./connection-context.js";

export const connectionMachine = setup({
  types: {
    context: {} as ConnectionContext,
    input: {} as ConnectionInput,
    events: {} as ConnectionEvent,
  },
  actors: {
    attempt: fromCallback<ConnectionEvent, AttemptInput>(() => {}),
    channelWatch: fromCallback<ConnectionEvent, ChannelWatchInput>(() => {}),
  },
  guards: {
    mayComeBack: ({ context, event }) =>
      context.isPersistent && event.type === "attempt.ended" && COMES_BACK.has(event.reason),
    isPersistent: ({ context }) => context.isPersistent,
    isRestart: ({ event }) => event.type === "rejoin" && event.isRestart,
  },
  delays: {
    backoff: ({ context }) => context.delayMs,
    stableAfter: ({ context }) => context.limits.stableAfterMs,
  },
  actions: {
    adoptIntent: assign(({ context, event }) => ({
      isPersistent: context.isPersistent || ("isPersistent" in event && event.isPersistent),
    })),
    adoptFailure: assign(({ event }) => ("error" in event ? { failure: event.error } : {})),
    adoptCrash: assign(({ context, event }) => ({
      failure: context.ports.crashed("error" in event ? event.error : undefined),
    })),
    adoptEndAsFailure: assign(({ context, event }) => ({
      failure: context.ports.endedAsFailure("reason" in event ? event.reason : ""),
    })),
    /** A stream that has been up is worth coming back to, whoever had asked for it. */
    becomePersistent: assign({ isPersistent: true }),
    forgetIntent: assign({ isPersistent: false, attempt: 1 }),
    resetAttempts: assign({ attempt: 1 }),
    drawDelay: assign(({ context }) => ({ delayMs: context.ports.nextDelayMs(context.attempt) })),
    countAttempt: assign(({ context }) => ({ attempt: context.attempt + 1 })),
    reportJoined: ({ context, event }) => {
      if (event.type === "attempt.joined") context.ports.joined(event.info);
    },
    reportStreaming: ({ context }) => context.ports.streaming(),
    reportRetry: ({ context }) => context.ports.failed(context.failure, context.attempt, context.delayMs),
    reportGivenUp: ({ context }) => context.ports.failed(context.failure, context.attempt),
    reportEnded: ({ context, event }) => {
      if (event.type === "attempt.ended") context.ports.ended(event.reason);
    },
    leave: ({ context, event }) => context.ports.leave("reason" in event ? event.reason : ""),
    makeWay: ({ context }) => context.ports.makeWay(),
  },
}).createMachine({
  id: "connection",
  description: "One user's connection to a bridge, as the cloud keeps it.",
  context: connectionContext,
  initial: "idle",
  on: {
    dispose: { target: ".closed", actions: "leave" },
  },
  states: {
    idle: {
      description: "Nothing is wanted, or what was wanted has ended for good.",
      entry: "forgetIntent",
      on: {
        connect: { target: "active", actions: "adoptIntent" },
        rejoin: { target: "active", actions: "adoptIntent" },
        // A leave that was asked for while nothing was up still tells the bridge.
        disconnect: { actions: "leave" },
      },
    },
    active: {
      description: "One join, and the stream that follows it.",
      invoke: {
        id: "attempt",
        src: "attempt",
        input: attemptInput,
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
            // What is under way is as fresh as what is asked for, unless it leads somewhere else.
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
          on: {
            rejoin: { target: "#connection.active", reenter: true, actions: ["adoptIntent", "makeWay"] },
          },
        },
      },
    },
    waiting: {
      description: "After a failure: for the backoff to pass, or for the channel to come back.",
      entry: ["drawDelay", "reportRetry"],
      exit: "countAttempt",
      invoke: { id: "channelWatch", src: "channelWatch", input: channelWatchInput },
      on: {
        "channel.back": "active",
        rejoin: { target: "active", actions: "adoptIntent" },
        disconnect: { target: "idle", actions: "leave" },
      },
      after: { backoff: "active" },
    },
    closed: {
      type: "final",
      description: "Disposed.",
    },
  },
});

/** Clean ends after which the user is still wanted. After all others somebody meant the user to be gone, or elsewhere. */
const COMES_BACK: ReadonlySet<string> = new Set(["room_deleted"]);
