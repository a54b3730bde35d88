// Every bound of the manager, in one place, with its unit.

import { BridgeClientError } from "../errors.js";

export interface ManagerLimits {
  /** At most one join is set off in so long, however many triggers there are. `LIVEKIT_REJOIN_BACKOFF_MS`. */
  readonly rejoinBackoffMs: number;
  /** How long `handleLiveKitInit` holds up the glasses' handshake for the bridge. The join goes on behind the answer. */
  readonly initWaitMaxMs: number;
  /** `ensureBridgeConnected` and `SpeakerManager.ensureReady`. */
  readonly readyWaitMaxMs: number;
  /** GetStatus before a decision. */
  readonly statusWaitMaxMs: number;
  /** A token service of the application's own may be far away. */
  readonly tokenWaitMaxMs: number;
  /** A join and the acceptance of its stream. Above the sum of the client's own limits for them. */
  readonly joinWaitMaxMs: number;
  /** The bridge may be gone for so long before the application is told. */
  readonly audioUnavailableAfterMs: number;
  /** Microphone on and nothing heard for so long is a gap. Also the age at which an old bridge's `connected` is not believed. */
  readonly gapThresholdMs: number;
  readonly gapCheckMs: number;
  /** Rejoins for gaps, until `gapCooldownMs` have passed since the last one. */
  readonly gapAttemptsMax: number;
  readonly gapCooldownMs: number;
  /** A phone whose last pong is older does not answer, and a rejoin would only keep it busier. */
  readonly pongAgeMaxMs: number;
}

const DEFAULT_MANAGER_LIMITS: ManagerLimits = {
  rejoinBackoffMs: 2_000,
  initWaitMaxMs: 2_000,
  readyWaitMaxMs: 5_000,
  statusWaitMaxMs: 1_000,
  tokenWaitMaxMs: 5_000,
  joinWaitMaxMs: 40_000,
  audioUnavailableAfterMs: 5_000,
  gapThresholdMs: 5_000,
  gapCheckMs: 2_000,
  gapAttemptsMax: 3,
  gapCooldownMs: 60_000,
  pongAgeMaxMs: 30_000,
};

export type Environment = Readonly<Record<string, string | undefined>>;

export function managerLimits(env: Environment, overrides: Partial<ManagerLimits> = {}): ManagerLimits {
  const limits = { ...DEFAULT_MANAGER_LIMITS, ...rejoinBackoff(env), ...overrides };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isFinite(value) || value < 0) throw invalid(`${name} must be a number of at least 0`, value);
  }
  return limits;
}

/** `LIVEKIT_RECONNECT_STATUS_CHECK`, on by default: the bridge is asked before a connection that looks up is kept. */
export function checksStatus(env: Environment): boolean {
  const text = (env["LIVEKIT_RECONNECT_STATUS_CHECK"] ?? "").trim().toLowerCase();
  if (["", "on", "true", "1"].includes(text)) return true;
  if (["off", "false", "0"].includes(text)) return false;
  throw invalid("LIVEKIT_RECONNECT_STATUS_CHECK must be on or off", text);
}

function rejoinBackoff(env: Environment): Partial<ManagerLimits> {
  const text = (env["LIVEKIT_REJOIN_BACKOFF_MS"] ?? "").trim();
  if (text === "") return {};
  if (!/^\d{1,9}$/.test(text)) throw invalid("LIVEKIT_REJOIN_BACKOFF_MS must be a whole number of milliseconds", text);
  return { rejoinBackoffMs: Number(text) };
}

function invalid(rule: string, value: string | number): BridgeClientError {
  return new BridgeClientError("invalid_argument", `${rule}; it is ${JSON.stringify(value)}`);
}
