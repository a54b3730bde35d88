// Owns every session: at most one current session per user, the newest join wins, every child is reaped when it is done and
// when it has crashed, and nothing that one child does reaches another.

import { enqueueActions, setup } from "xstate";
import { sessionMachine } from "./session.js";
import type { SupervisorContext, SupervisorEvent, SupervisorInput, SupervisorOutput } from "./supervisor-context.js";
import {
  answer,
  currentEntry,
  isOutdated,
  rememberDisconnect,
  removeEntry,
  supervisorContext,
  supervisorOutput,
  takeSlot,
} from "./supervisor-context.js";

export const supervisorMachine = setup({
  types: {
    context: {} as SupervisorContext,
    input: {} as SupervisorInput,
    events: {} as SupervisorEvent,
    output: {} as SupervisorOutput,
  },
  actors: { session: sessionMachine },
  guards: {
    isFull: ({ context, event }) =>
      event.type === "session.join" &&
      context.current.size >= context.limits.sessionsMax &&
      !context.current.has(event.request.userId),
    hasSession: ({ context, event }) => "userId" in event && context.current.has(event.userId),
    isCurrentGeneration: ({ context, event }) =>
      "generation" in event && currentEntry(context, event.userId)?.generation === event.generation,
    isOutdated: ({ context, event }) => isOutdated(context, event),
    haveAllParted: ({ context }) => [...context.sessions.values()].every((entry) => entry.hasParted),
    hasNoSessions: ({ context }) => context.sessions.size === 0,
  },
  delays: {
    drainTimeout: ({ context }) => context.limits.drainTimeoutMs,
    releaseTimeout: ({ context }) => context.limits.releaseTimeoutMs,
  },
  actions: {
    replaceExisting: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "session.join") return;
      const entry = currentEntry(context, event.request.userId);
      if (!entry) return;
      context.observer.replacing(entry);
      enqueue.sendTo(entry.slot, { type: "session.supersede" });
    }),
    startSession: enqueueActions(({ context, event, enqueue, self }) => {
      if (event.type !== "session.join") return;
      const { request, reply } = event;
      const { observer, now, wallNow, limits } = context;
      const { userId, roomName, stamp } = request;
      const generation = context.lastGeneration + 1;
      const scope = context.createScope();
      scope.own(reply);
      const hasPredecessor = [...context.sessions.values()].some((entry) => entry.userId === userId);
      const parts = { observer, now, wallNow, limits: limits.session, scope, supervisor: self };
      const slot = takeSlot(context);
      context.sessions.set(slot, { slot, userId, roomName, generation, stamp, scope, hasParted: false });
      context.current.set(userId, slot);
      enqueue.assign({ lastGeneration: generation });
      enqueue.spawnChild("session", { id: slot, input: { request, reply, generation, hasPredecessor, ...parts } });
    }),
    forward: enqueueActions(({ context, event, enqueue }) => {
      if (!("userId" in event)) return;
      const entry = currentEntry(context, event.userId);
      if (!entry) return;
      if ("port" in event) entry.scope.own(event.port);
      if ("reply" in event) entry.scope.own(event.reply);
      enqueue.sendTo(entry.slot, event);
    }),
    refuseFull: ({ context, event }) => {
      if (event.type !== "session.join") return;
      const message = `the bridge is full: at most ${context.limits.sessionsMax} sessions`;
      const { userId } = event.request;
      answer(context, userId, () => event.reply.refuse("RESOURCE_EXHAUSTED", message));
      context.observer.refused(userId, message);
    },
    refuseDraining: ({ context, event }) => {
      if (event.type !== "session.join") return;
      const { userId } = event.request;
      answer(context, userId, () => event.reply.refuse("UNAVAILABLE", "draining"));
      context.observer.refused(userId, "draining");
    },
    refuseOutdatedJoin: ({ context, event }) => {
      if (event.type !== "session.join") return;
      const { userId } = event.request;
      answer(context, userId, () => event.reply.fail("superseded by a newer join"));
      context.observer.refused(userId, "superseded by a newer join");
    },
    refuseOutdatedStream: ({ context, event }) => {
      if (event.type !== "stream.open") return;
      answer(context, event.userId, () => event.port.end({ status: "OK", details: "", reason: "replaced" }));
    },
    refuseLeave: ({ context, event }) => {
      if (event.type !== "session.leave") return;
      answer(context, event.userId, () => event.reply.fail("session not found"));
    },
    refuseStream: ({ context, event }) => {
      if (event.type !== "stream.open") return;
      const details = `session not found for user ${event.userId}`;
      answer(context, event.userId, () => event.port.end({ status: "NOT_FOUND", details, reason: "not_found" }));
    },
    refusePlayback: ({ context, event }) => {
      if (event.type !== "playback.request") return;
      const message = `session not found for user ${event.userId}`;
      answer(context, event.userId, () => event.port.fail({ status: "NOT_FOUND", message }));
    },
    refuseStop: ({ context, event }) => {
      if (event.type !== "playback.stop") return;
      answer(context, event.userId, () => event.reply.fail("session not found"));
    },
    retireCurrent: ({ context, event }) => {
      if (event.type === "session.closing") context.current.delete(event.userId);
    },
    rememberEnd: ({ context, event }) => {
      if (event.type !== "session.closing") return;
      const { userId, generation, reason, atMs } = event;
      rememberDisconnect(context, userId, { generation, reason, atMs });
    },
    recordParted: ({ context, event }) => {
      if (event.type !== "session.parted") return;
      for (const [slot, entry] of context.sessions) {
        if (entry.generation === event.generation) context.sessions.set(slot, { ...entry, hasParted: true });
      }
    },
    reap: enqueueActions(({ context, event, enqueue }) => {
      if (!("actorId" in event)) return;
      enqueue.stopChild(event.actorId);
      const entry = context.sessions.get(event.actorId);
      if (!entry) return;
      const hasCrashed = "error" in event;
      if (hasCrashed) {
        entry.scope.abort();
        context.observer.crashed(entry, event.error);
      }
      removeEntry(context, entry, "internal_error");
      const successor = currentEntry(context, entry.userId);
      if (!successor) return;
      const others = [...context.sessions.values()].filter(({ userId }) => userId === entry.userId);
      if (others.length === 1) enqueue.sendTo(successor.slot, { type: "predecessor.closed" });
    }),
    drainSessions: enqueueActions(({ context, enqueue }) => {
      for (const { slot } of context.sessions.values()) enqueue.sendTo(slot, { type: "session.drain" });
    }),
    abandonSessions: ({ context }) => {
      for (const { scope } of context.sessions.values()) scope.abort();
    },
    releaseSessions: enqueueActions(({ context, enqueue }) => {
      for (const { slot } of context.sessions.values()) enqueue.sendTo(slot, { type: "session.release" });
    }),
  },
}).createMachine({
  id: "supervisor",
  description: "All sessions of one process: joins, replacements, reaping, drain.",
  context: supervisorContext,
  output: supervisorOutput,
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
          description: 'Streams end UNAVAILABLE "draining", all at once, so that clients return together.',
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
