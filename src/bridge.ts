// The only place where parts are wired: engine and resampler come in, actors get their effects, handlers their backend.

import { createActor } from "xstate";
import type { ActorRefFrom } from "xstate";
import { createPlayer } from "./actors/player.js";
import { failureOf } from "./actors/playback-failure.js";
import { createRoomConnection } from "./actors/room-connection.js";
import { createSessionScope } from "./actors/session-scope.js";
import { createStreamAttachment } from "./actors/stream-attachment.js";
import { addAudioStats, createAudioStats } from "./audio/audio-stats.js";
import { shareDownloads } from "./audio/fetch-sharing.js";
import { createUrlOpener } from "./audio/fetch/open-url.js";
import type { FetchParts, UrlOpener } from "./audio/fetch/open-url.js";
import type { CreateResampler } from "./audio/resampler.js";
import { SessionMedia } from "./audio/session-media.js";
import type { Config } from "./config.js";
import type { Backend } from "./grpc/backend.js";
import { loadBridgeDefinition } from "./grpc/definition.js";
import { createGrpcServer } from "./grpc/server.js";
import { decodeLimits, fetchLimits, grpcServerConfig, handlerLimits, mediaLimits, supervisorLimits } from "./limits.js";
import type { Room, RoomEngine } from "./livekit/room.js";
import { refuseLivekitUrl } from "./livekit/url-policy.js";
import type { JoinRequest, SessionLabel } from "./machines/ports.js";
import { playbackMachine } from "./machines/playback.js";
import { sessionMachine } from "./machines/session.js";
import { readCounts, readUserStatus } from "./machines/status.js";
import { supervisorMachine } from "./machines/supervisor.js";
import type { SupervisorEvent } from "./machines/supervisor-context.js";
import type { Logger } from "./telemetry/logger.js";
import { watchLoopLag } from "./telemetry/loop-lag.js";
import { createSessionReports } from "./telemetry/session-reports.js";
import type { Clock } from "./time.js";
import { VERSION } from "./version.js";
import { within } from "./within.js";

export interface BridgeParts {
  readonly engine: RoomEngine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly createResampler: CreateResampler;
  /** Addresses of a host name, for audio URLs; the system's answer unless given. */
  readonly resolve?: FetchParts["resolve"];
  /** The supervisor itself has failed: nobody is left to serve. */
  readonly failed: (error: unknown) => void;
}

export interface Bridge {
  readonly backend: Backend;
  readonly supervisor: ActorRefFrom<typeof supervisorMachine>;
  /** Listens. Resolves with the TCP port, 0 for a unix socket. */
  start(): Promise<number>;
  /** Refuses joins, leaves every room, ends every stream at once, stops listening. Bounded; idempotent. */
  drain(): Promise<void>;
}

/** What closing calls may still take once every stream has ended. */
const SHUTDOWN_TIMEOUT_MS = 150;
/** Beyond the drain's own budgets, for the supervisor to finish. */
const DRAIN_MARGIN_MS = 500;

export function createBridge(config: Config, parts: BridgeParts): Bridge {
  const { clock, logger } = parts;
  const definition = loadBridgeDefinition();
  const reports = createSessionReports(logger, clock, config.BRIDGE_INACTIVITY_TIMEOUT_MS);
  const media = createMediaRegistry(config, parts, reports.mediaObserver);
  const limits = supervisorLimits(config);
  const lag = watchLoopLag(clock);

  const audio = createAudioOpener(config, parts);
  const session = createSessionMachine(config, parts, media, audio);
  const supervisor = createActor(supervisorMachine.provide({ actors: { session } }), {
    clock,
    input: {
      limits,
      observer: reports.observer,
      createScope: createSessionScope,
      now: () => clock.now(),
      wallNow: () => clock.wallNow(),
    },
  });
  // Without an observer XState throws a root's error at the process from a timer.
  supervisor.subscribe({ error: parts.failed });
  supervisor.start();

  const backend: Backend = {
    version: VERSION,
    clock,
    limits: handlerLimits(config),
    defaultLivekitUrl: config.LIVEKIT_URL ?? "",
    refuseAudioUrl(url) {
      const error = audio.check(url);
      return error && failureOf(error);
    },
    send(event) {
      if (supervisor.getSnapshot().status === "active") supervisor.send(event);
      else abandon(event);
    },
    status: (userId) => readUserStatus(supervisor.getSnapshot(), userId, clock.wallNow()),
    counts: () => readCounts(supervisor.getSnapshot()),
    stats: () => ({ ...media.total(), ...reports.totals }),
    eventLoopLagMs: () => lag.readMs(),
    handlerFailed: (rpc, error) => {
      reports.totals.crashes += 1;
      logger.error({ rpc, error }, "RPC handler failed");
    },
  };

  const server = createGrpcServer(definition, backend, grpcServerConfig(config), clock);
  let draining: Promise<void> | undefined;

  async function drain(): Promise<void> {
    server.setServing(false);
    const done = new Promise<void>((resolve) => {
      supervisor.subscribe({ complete: resolve, error: () => resolve() });
    });
    supervisor.send({ type: "drain" });
    await within(clock, limits.drainTimeoutMs + limits.releaseTimeoutMs + DRAIN_MARGIN_MS, done);
    await server.shutdown(SHUTDOWN_TIMEOUT_MS);
    await within(clock, SHUTDOWN_TIMEOUT_MS, audio.close());
    lag.stop();
  }

  return {
    backend,
    supervisor,
    start: () => server.listen(),
    drain: () => (draining ??= drain()),
  };
}

/** The session's chart with its actors: what connects to the room, plays and streams. */
function createSessionMachine(
  config: Config,
  { engine, clock, logger }: BridgeParts,
  media: ReturnType<typeof createMediaRegistry>,
  audio: UrlOpener,
) {
  const player = createPlayer({ openUrl: audio.open, decodeLimits: decodeLimits(config) });
  const playback = playbackMachine.provide({ actors: { player } });
  return sessionMachine.provide({
    actors: {
      roomConnection: createRoomConnection({
        engine,
        clock,
        createMedia: media.create,
        mediaClosed: media.closed,
        refuseUrl: (url) => refuseLivekitUrl(url, config.LIVEKIT_URL_ALLOWLIST),
        connected: (label, request, room) => warnAboutNames(logger, label, request, room),
      }),
      playback,
      streamAttachment: createStreamAttachment({ clock, sendTimeoutMs: config.BRIDGE_SEND_TIMEOUT_MS }),
    },
  });
}

/** Opens audio URLs: safely, and once for all who ask at the same time. */
function createAudioOpener(config: Config, { clock, resolve }: BridgeParts) {
  const policy = { allowed: config.BRIDGE_AUDIO_ALLOWED };
  const opener = createUrlOpener({ clock, limits: fetchLimits(config), policy, ...(resolve ? { resolve } : {}) });
  return shareDownloads(opener, clock);
}

/** Media of living sessions, and the sum of what the dead ones counted. */
function createMediaRegistry(
  config: Config,
  { clock, createResampler }: BridgeParts,
  observe: (label: SessionLabel) => ConstructorParameters<typeof SessionMedia>[0]["observer"],
) {
  const living = new Set<SessionMedia>();
  const past = createAudioStats();
  const limits = mediaLimits(config);
  return {
    create(label: SessionLabel, { targetIdentity }: JoinRequest, fault: (error: unknown) => void): SessionMedia {
      const now = () => clock.now();
      const observer = observe(label);
      const media = new SessionMedia({ targetIdentity, limits, createResampler, now, observer, fault });
      living.add(media);
      return media;
    },
    closed(media: SessionMedia): void {
      if (living.delete(media)) addAudioStats(past, media.stats);
    },
    total() {
      const total = { ...past };
      for (const media of living) addAudioStats(total, media.stats);
      return total;
    },
  };
}

function warnAboutNames(logger: Logger, label: SessionLabel, request: JoinRequest, room: Room): void {
  if (request.roomName !== "" && request.roomName !== room.name) {
    logger.warn({ ...label, room: room.name }, "The token names another room than the request");
  }
  if (request.targetIdentity === room.localIdentity) {
    const fields = { ...label, identity: room.localIdentity };
    logger.warn(fields, "The bridge's identity is that of the target: LiveKit lets only one of them stay");
  }
}

/** Answers whoever waits behind an event that nobody will take any more. */
function abandon(event: SupervisorEvent): void {
  if (event.type === "session.join") event.reply.refuse("UNAVAILABLE", "draining");
  else if (event.type === "session.leave") event.reply.fail("session not found");
  else if (event.type === "stream.open") {
    event.port.end({ status: "UNAVAILABLE", details: "draining", reason: "drain" });
  } else if (event.type === "playback.request") {
    event.port.fail({ status: "UNAVAILABLE", message: "draining" });
  } else if (event.type === "playback.stop") event.reply.fail("session not found");
}
