// A manager with fake clients on a simulated clock, and everything it logs and tells.

import { createSimulatedClock } from "../support/simulated-clock.js";
import { LiveKitManager } from "../../src/client/cloud/livekit-manager.js";
import type { ManagedUser } from "../../src/client/cloud/managed-user.js";
import type { LiveKitManagerOptions } from "../../src/client/cloud/manager-options.js";
import type { ManagerTokens } from "../../src/client/cloud/manager-options.js";
import type { ClientLogger } from "../../src/client/log.js";
import type { FakeSettings } from "./fake-client.js";
import { FakeClient } from "./fake-client.js";

export const KEYS = {
  LIVEKIT_URL: "wss://livekit.example",
  LIVEKIT_API_KEY: "key",
  LIVEKIT_API_SECRET: "secret-of-at-least-32-characters-here",
};

export interface LogLine {
  readonly message: string;
  readonly [field: string]: unknown;
}

export type Changeable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface SceneOptions {
  readonly env?: Record<string, string>;
  readonly user?: Partial<ManagedUser>;
  readonly client?: Partial<FakeSettings>;
  readonly options?: Partial<LiveKitManagerOptions<FakeClient>>;
  /** Those of the manager's own making, whose signatures take real time. */
  readonly hasRealTokens?: boolean;
}

export function createManagerScene(scene: SceneOptions = {}) {
  const { env = KEYS, user = {}, client = {}, options = {}, hasRealTokens = false } = scene;
  const clock = createSimulatedClock();
  const { logger, lines } = createRecordingLogger();
  const clients: FakeClient[] = [];
  const notices: string[] = [];
  const session: Changeable<ManagedUser> = {
    userId: "alice",
    logger,
    audioManager: { processAudioData: () => {} },
    onAudioUnavailable: ({ reason, detail }) =>
      notices.push(detail === undefined ? `unavailable: ${reason}` : `unavailable: ${reason}: ${detail}`),
    onAudioAvailable: ({ goneMs }) => notices.push(`available after ${goneMs}`),
    ...user,
  };
  const manager = new LiveKitManager<FakeClient>(session, {
    clock,
    env,
    ...(hasRealTokens ? {} : { tokens: plainTokens(env) }),
    createClient: () => {
      const made = new FakeClient(clock, client);
      clients.push(made);
      return made;
    },
    ...options,
  });
  return {
    manager,
    user: session,
    clock,
    clients,
    lines,
    notices,
    /** The one client there should be. */
    get client(): FakeClient {
      const [first] = clients;
      if (!first) throw new Error("no client was made");
      return first;
    },
    messages: () => lines.map(({ message }) => message),
    /** Joined and streaming, and the window after that join over. */
    async joined(): Promise<void> {
      void manager.ensureBridgeConnected();
      await clock.advance(3_000);
      if (manager.getBridgeClient()?.isConnected() !== true) throw new Error("not joined");
    },
    async during<T>(ms: number, work: () => Promise<T>): Promise<T> {
      const result = work();
      await clock.advance(ms);
      return result;
    },
  };
}

/** Tokens that tell whose they are, at once. */
function plainTokens(env: Record<string, string | undefined>): ManagerTokens {
  const hasKeys = Boolean(env["LIVEKIT_API_KEY"] && env["LIVEKIT_API_SECRET"]);
  let minted = 0;
  return {
    getUrl: () => env["LIVEKIT_URL"] ?? "",
    mintAccessTokenAsync: async ({ identity }) => (hasKeys ? `token ${++minted} of ${identity}` : null),
  };
}

export function createRecordingLogger() {
  const lines: LogLine[] = [];
  const log = (level: string) => (fields: object, message: string) => void lines.push({ level, message, ...fields });
  const logger = {
    trace: log("trace"),
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
  } satisfies ClientLogger;
  return { logger, lines };
}
