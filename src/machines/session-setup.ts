// The words of the session's chart: its guards, delays, actions and actors, each by name. None of the actions throws; what
// could fail lives in an actor.

import { assign, enqueueActions, fromCallback, sendTo, setup } from "xstate";
import type { EventObject } from "xstate";
import type { EndReason, PlaybackRequest } from "./ports.js";
import { PLAYBACK_CRASHED, playbackScope } from "./playback-context.js";
import { playbackMachine } from "./playback.js";
import type {
  LivePlayback,
  RoomConnectionCommand,
  RoomConnectionInput,
  SessionContext,
  SessionInput,
  StreamAttachmentInput,
} from "./session-context.js";
import { joinFailureOf, streamEndOf } from "./session-end.js";
import type { PlaybackStop, SessionEvent, SessionOutput } from "./session-events.js";

/** Ends a stream that a newer one, or its own half-close, has made the past. */
function endOldStream(context: SessionContext, reason: "replaced" | "half_closed"): void {
  const { stream } = context;
  if (!stream) return;
  const end = { status: "OK", details: "", reason } as const;
  stream.end(end);
  context.observer.streamEnded(context.label, stream.attachment, end);
}

/** Ends the stream that is attached when the session ends, as the reason demands. */
function endLastStream(context: SessionContext): void {
  if (!context.stream || context.stream.isSettled) return;
  const end = streamEndOf(context.end, context.request.userId);
  context.stream.end(end);
  context.observer.streamEnded(context.label, context.stream.attachment, end);
}

const SESSION_CLOSED = { status: "CANCELLED", message: "session closed" } as const;

/** Whether a new playback ends a living one: it asks for it, takes its track, or has its id. */
function isInterrupted(living: PlaybackRequest, newer: PlaybackRequest): boolean {
  return newer.stopOther || living.trackId === newer.trackId || living.requestId === newer.requestId;
}

function isChosen(request: PlaybackRequest, { requestId, trackId }: PlaybackStop): boolean {
  if (requestId !== "") return request.requestId === requestId;
  return trackId === undefined || trackId === -1 || request.trackId === trackId;
}

function freePlaybackSlot(playbacks: readonly LivePlayback[]): string {
  let index = 0;
  while (playbacks.some(({ slot }) => slot === `play.${index}`)) index += 1;
  return `play.${index}`;
}

function isFromCurrentAttachment({ context, event }: { context: SessionContext; event: EventObject }): boolean {
  return "attachment" in event && event.attachment === context.stream?.attachment;
}

export const sessionSetup = setup({
  types: {
    context: {} as SessionContext,
    input: {} as SessionInput,
    events: {} as SessionEvent,
    output: {} as SessionOutput,
    tags: "" as "connected",
  },
  actors: {
    roomConnection: fromCallback<RoomConnectionCommand, RoomConnectionInput>(() => {}),
    streamAttachment: fromCallback<EventObject, StreamAttachmentInput>(() => {}),
    playback: playbackMachine,
  },
  guards: {
    hasNoPredecessor: ({ context }) => !context.hasPredecessor,
    hasStream: ({ context }) => context.stream !== undefined,
    hasPlaybacks: ({ context }) => context.playbacks.length > 0,
    // Those that the new one ends make room for it.
    hasPlaybackSlot: ({ context, event }) =>
      event.type === "playback.request" &&
      context.playbacks.filter(({ port }) => !isInterrupted(port.request, event.port.request)).length <
        context.limits.playbacksMax,
    isLastPlayback: ({ context, event }) =>
      "actorId" in event && context.playbacks.every(({ slot }) => slot === event.actorId),
    isOwnJoin: ({ context, event }) => event.type === "join.cancelled" && event.reply === context.reply,
    isCurrentAttachment: isFromCurrentAttachment,
    isSilentHeartbeatPeer: ({ context }) =>
      context.stream !== undefined &&
      context.stream.activity.heartbeats >= 2 &&
      !context.stream.activity.isHeld &&
      context.now() - context.stream.activity.lastAtMs >= context.limits.inactivityTimeoutMs,
    isDrain: ({ context }) => context.end.reason === "drain",
  },
  delays: {
    joinTimeout: ({ context }) => context.limits.joinTimeoutMs,
    predecessorTimeout: ({ context }) => context.limits.predecessorTimeoutMs,
    zombieTimeout: ({ context }) => context.limits.zombieTimeoutMs,
    reconnectTimeout: ({ context }) => context.limits.reconnectTimeoutMs,
    roomCloseTimeout: ({ context }) => context.limits.roomCloseTimeoutMs,
    leaveReplyTimeout: ({ context }) => context.limits.leaveReplyTimeoutMs,
    drainHoldTimeout: ({ context }) => context.limits.drainHoldTimeoutMs,
    // Wakes when the limit could be reached at the earliest; audio only writes the time, so no timer moves per packet.
    inactivityTimeout: ({ context }) => {
      const limitMs = context.limits.inactivityTimeoutMs;
      const activity = context.stream?.activity;
      if (!activity || activity.isHeld || activity.heartbeats < 2) return limitMs;
      return Math.max(1, activity.lastAtMs + limitMs - context.now());
    },
  },
  actions: {
    connectRoom: sendTo("room", { type: "room.connect" }),
    closeRoom: sendTo("room", { type: "room.close" }),
    adoptRoom: assign(({ context, event }) => {
      if (event.type !== "room.connected") return {};
      // A stream whose client has gone while it waited is nobody's any more.
      return context.stream?.isGone ? { room: event.room, stream: undefined } : { room: event.room };
    }),
    dropGoneStream: ({ context }) => {
      if (context.stream?.isGone) context.stream.end({ status: "CANCELLED", details: "", reason: "stream_error" });
    },
    answerJoin: ({ context, event }) => {
      if (event.type !== "room.connected") return;
      const { participantId, participantCount } = event.room;
      const success = { participantId, participantCount, generation: context.generation };
      context.reply.succeed(success);
      context.observer.joined(context.label, success, context.now() - context.startedAtMs);
    },
    failJoin: ({ context }) => {
      if (context.reply.isSettled) return;
      if (context.end.reason === "drain") context.reply.refuse("UNAVAILABLE", "draining");
      else context.reply.fail(joinFailureOf(context.end));
      context.observer.joinFailed(context.label, context.end);
    },
    adoptStream: assign(({ event }) => (event.type === "stream.open" ? { stream: event.port } : {})),
    replaceStream: ({ context }) => endOldStream(context, "replaced"),
    parkStream: ({ context }) => endOldStream(context, "half_closed"),
    refuseStream: ({ context, event }) => {
      if (event.type !== "stream.invalid") return;
      context.stream?.end(event.end);
      context.observer.streamEnded(context.label, event.attachment, event.end);
    },
    forgetStream: assign({ stream: undefined }),
    endStream: ({ context }) => endLastStream(context),
    endStreamUnlessDraining: ({ context }) => {
      if (context.end.reason !== "drain") endLastStream(context);
    },
    setEnd: assign((_, params: { reason: EndReason; message: string }) => ({ end: params })),
    setEndFromRoom: assign(({ event }) => {
      if (event.type === "room.ended") return { end: { reason: event.reason, message: "LiveKit ended the room" } };
      if (event.type === "room.failed") return { end: { reason: "join_failed" as const, message: event.message } };
      return {};
    }),
    setEndFromStream: assign(({ event }) =>
      event.type === "stream.cancelled" ? { end: { reason: "stream_error" as const, message: event.cause } } : {},
    ),
    adoptLeave: assign(({ event }) =>
      event.type === "session.leave"
        ? { leaveReply: event.reply, end: { reason: "left" as const, message: event.reason } }
        : {},
    ),
    answerLeave: ({ context }) => {
      if (context.leaveReply?.isSettled === false) context.leaveReply.succeed();
    },
    startPlayback: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "playback.request" || !context.room) return;
      const { label, room, scope, playbacks, observer } = context;
      const { port } = event;
      const failure = { status: "CANCELLED", message: `interrupted by ${port.request.requestId}` } as const;
      for (const other of playbacks.filter((live) => isInterrupted(live.port.request, port.request))) {
        enqueue.sendTo(other.slot, { type: "playback.end", failure });
      }
      const slot = freePlaybackSlot(playbacks);
      const own = playbackScope(scope);
      enqueue.assign({ playbacks: [...playbacks, { slot, port, scope: own }] });
      enqueue.spawnChild("playback", { id: slot, input: { label, room, scope: own, observer, port } });
    }),
    refusePlayback: ({ context, event }) => {
      if (event.type !== "playback.request") return;
      const message = `too many playbacks at once: at most ${context.limits.playbacksMax}`;
      event.port.fail({ status: "RESOURCE_EXHAUSTED", message });
    },
    refusePlaybackWithoutRoom: ({ event }) => {
      if (event.type !== "playback.request") return;
      event.port.fail({ status: "FAILED_PRECONDITION", message: "LiveKit room not connected" });
    },
    endCancelledPlayback: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "playback.cancelled") return;
      const playback = context.playbacks.find(({ port }) => port === event.port);
      if (playback) enqueue.sendTo(playback.slot, { type: "playback.end", failure: SESSION_CLOSED });
    }),
    endChosenPlaybacks: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "playback.stop") return;
      const chosen = context.playbacks.filter(({ port }) => !port.isSettled && isChosen(port.request, event));
      const failure = { status: "CANCELLED", message: `stopped: ${event.reason}` } as const;
      for (const { slot } of chosen) enqueue.sendTo(slot, { type: "playback.end", failure });
      event.reply.succeed(chosen.map(({ port }) => port.request.requestId));
    }),
    endNoPlayback: ({ event }) => {
      if (event.type === "playback.stop") event.reply.succeed([]);
    },
    reapPlayback: enqueueActions(({ context, event, enqueue }) => {
      if (!("actorId" in event)) return;
      enqueue.stopChild(event.actorId);
      const gone = context.playbacks.find(({ slot }) => slot === event.actorId);
      if (!gone) return;
      const { port, scope } = gone;
      scope.abort();
      if (!port.isSettled) {
        // After a crash nobody else tells the caller, counts and logs.
        port.abandon();
        context.observer.playbackEnded(context.label, port.request, PLAYBACK_CRASHED);
      }
      enqueue.assign({ playbacks: context.playbacks.filter((live) => live !== gone) });
    }),
    endPlaybacks: enqueueActions(({ context, enqueue }) => {
      // Told, not only stopped: a playback that ends answers its caller and is counted and logged, whatever ended it.
      for (const { slot } of context.playbacks) {
        enqueue.sendTo(slot, { type: "playback.end", failure: SESSION_CLOSED });
      }
    }),
    reportStream: ({ context }) => {
      if (context.stream) context.observer.streamStarted(context.label, context.stream.attachment);
    },
    reportReconnecting: ({ context }) => context.observer.reconnecting(context.label),
    reportReconnected: ({ context }) => context.observer.reconnected(context.label),
    reportFault: ({ context, event }) => {
      if ("error" in event) context.observer.crashed(context.label, event.error);
    },
    reportClosing: enqueueActions(({ context, enqueue }) => {
      const { label, end, generation, supervisor } = context;
      context.observer.closing(label, end);
      const report = { userId: label.userId, generation, reason: end.reason, atMs: context.wallNow() };
      enqueue.sendTo(supervisor, { type: "session.closing", ...report });
    }),
    reportParted: enqueueActions(({ context, enqueue }) => {
      const { label, generation, supervisor } = context;
      enqueue.sendTo(supervisor, { type: "session.parted", userId: label.userId, generation });
    }),
    reportClosed: ({ context }) => {
      context.scope.abort();
      context.observer.closed(context.label, context.end);
    },
  },
});
