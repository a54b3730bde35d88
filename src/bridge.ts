// The only place where parts are wired: engine and resampler come in, actors get their effects, handlers their backend.

import { createActor } from "xstate";
import type { ActorRefFrom } from "xstate";
import { createPlayer } from "./actors/player.js";
import { failureOf } from "./actors/playback-failure.js";
import { createRoomConnection } from "./actors/room-connection.js";
import { createSessionScope } from "./actors/session-scope.js";
import { createStreamAttachment } from "./actors/stream-attachment.js";
import { shareDownloads } from "./audio/fetch-sharing.js";
import { createUrlOpener } from "./audio/fetch/open-url.js";
import type { FetchParts, UrlOpener } from "./audio/fetch/open-url.js";
import type { CreateResampler } from "./audio/resampler.js";
import type { Config } from "./config.js";
import type { Backend } from "./grpc/backend.js";
import { loadBridgeDefinition } from "./grpc/definition.js";
import { readHealth } from "./grpc/handlers/health-check.js";
import { createGrpcServer } from "./grpc/server.js";
import { decodeLimits, fetchLimits, grpcServerConfig, handlerLimits, mediaLimits, supervisorLimits } from "./limits.js";
import type { Room, RoomEngine } from "./livekit/room.js";
import { refuseLivekitUrl } from "./livekit/url-policy.js";
import type { SupervisorLimits } from "./machines/limits.js";
import type { JoinRequest, SessionLabel } from "./machines/ports.js";
import { playbackMachine } from "./machines/playback.js";
import { sessionMachine } from "./machines/session.js";
import { readCounts, readUserStatus } from "./machines/status.js";
import { supervisorMachine } from "./machines/supervisor.js";
import type { SupervisorEvent } from "./machines/supervisor-context.js";
import type { MediaRegistry } from "./media-registry.js";
import { createMediaRegistry } from "./media-registry.js";
import type { Logger } from "./telemetry/logger.js";
import type { LoopLag } from "./telemetry/loop-lag.js";
import { watchLoopLag } from "./telemetry/loop-lag.js";
import type { MetricsView } from "./telemetry/metrics-port.js";
import { MetricsPort } from "./telemetry/metrics-port.js";
import type { SessionReports } from "./telemetry/session-reports.js";
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
  /** The port of metrics and health; undefined when it is not configured, or not open. */
  readonly metricsPort: number | undefined;
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
  const metrics = createMetricsPort(config, parts, reports);
  const media = createMediaRegistry({
    limits: mediaLimits(config),
    clock,
    createResampler: parts.createResampler,
    meter: metrics?.meter,
    observe: reports.mediaObserver,
  });
  const limits = supervisorLimits(config);
  const lag = watchLoopLag(clock);
  const audio = createAudioOpener(config, parts);
  const session = createSessionMachine(config, parts, media, audio);
  const supervisor = startSupervisor(parts, limits, reports, session);
  const backend = createBackend(config, parts, { supervisor, media, reports, audio, lag });
  const isCounted = metrics !== undefined;
  const server = createGrpcServer(definition, backend, { ...grpcServerConfig(config), isCounted }, clock);
  let draining: Promise<void> | undefined;

  async function start(): Promise<number> {
    let isListening = false;
    const look = () => ({
      counts: backend.counts(),
      stats: { ...reports.totals, ...backend.stats() },
      queues: media.queues(),
      eventLoopLagMs: backend.eventLoopLagMs(),
    });
    const unready = () => (isListening ? undefined : "starting");
    await metrics?.open(metricsView(backend, { rpcs: server.rpcs, look, unready }));
    try {
      const port = await server.listen();
      isListening = true;
      return port;
    } catch (error) {
      await metrics?.close();
      throw error;
    }
  }

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
    await metrics?.close();
  }

  return {
    backend,
    supervisor,
    get metricsPort() {
      return metrics?.port;
    },
    start,
    drain: () => (draining ??= drain()),
  };
}

type SupervisorRef = Bridge["supervisor"];

function startSupervisor(
  { clock, failed }: BridgeParts,
  limits: SupervisorLimits,
  { observer }: SessionReports,
  session: ReturnType<typeof createSessionMachine>,
): SupervisorRef {
  const supervisor = createActor(supervisorMachine.provide({ actors: { session } }), {
    clock,
    input: {
      limits,
      observer,
      createScope: createSessionScope,
      now: () => clock.now(),
      wallNow: () => clock.wallNow(),
    },
  });
  // Without an observer XState throws a root's error at the process from a timer.
  supervisor.subscribe({ error: failed });
  supervisor.start();
  return supervisor;
}

/** What handlers may do: one event to the supervisor, or a look at what there is. */
function createBackend(
  config: Config,
  { clock, logger }: BridgeParts,
  inner: {
    readonly supervisor: SupervisorRef;
    readonly media: MediaRegistry;
    readonly reports: SessionReports;
    readonly audio: UrlOpener;
    readonly lag: LoopLag;
  },
): Backend {
  const { supervisor, media, reports, audio, lag } = inner;
  return {
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
}

function createMetricsPort(config: Config, parts: BridgeParts, { durations }: SessionReports): MetricsPort | undefined {
  const { BRIDGE_METRICS_PORT: port, BRIDGE_METRICS_HOST: host, BRIDGE_SESSIONS_MAX: sessionsMax } = config;
  if (port === undefined) return undefined;
  const { clock, logger, engine } = parts;
  const sources = { version: VERSION, engine: engine.name, sessionsMax, durations };
  return new MetricsPort({ host, port, clock, logger, sources });
}

/** Metrics are shown what handlers answer from, so that nobody is told two stories. */
function metricsView(backend: Backend, view: Omit<MetricsView, "health">): MetricsView {
  return {
    ...view,
    health: () => readHealth(backend),
    unready: () => view.unready() ?? (backend.counts().isDraining ? "draining" : undefined),
  };
}

/** The session's chart with its actors: what connects to the room, plays and streams. */
function createSessionMachine(
  config: Config,
  { engine, clock, logger }: BridgeParts,
  media: MediaRegistry,
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
