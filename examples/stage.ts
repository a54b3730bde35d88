// What stands around the examples, so that they show nothing but a cloud's code: a bridge on rooms in memory, phones in
// the rooms, and a tune to play. An example says what it claims with `check`, and its exit code is 0 only if all was so.

import { createServer } from "node:net";
import { serveMelody } from "../demo/melody.js";
import { createRoomTokens } from "./stage/room-tokens.js";
import type { Heard } from "./stage/phone.js";
import { WorldProcess } from "./stage/world-process.js";
import type { WorldSettings } from "./stage/world.js";

export interface StagePhone {
  /** Something like speech, until `hush`. */
  talk(): Promise<void>;
  hush(): Promise<void>;
  /** A single tone. Resolves when it has been said. */
  say(frequencyHz: number, durationMs: number): Promise<void>;
  /** What was heard of a track: at once, or as soon as there was so much of it, after 10 s at the latest. */
  heard(trackName: string, audibleMinMs?: number): Promise<Heard>;
}

export interface Stage {
  /** `host:port` of the bridge. */
  readonly bridgeAddress: string;
  readonly livekitUrl: string;
  /** The bridge's token for a user's room. In your project: `new LiveKitTokenService()`. */
  bridgeToken(userId: string): Promise<string>;
  /** The same as environment variables, for a cloud that mints its tokens itself. */
  readonly env: Readonly<Record<string, string>>;
  /** The user's phone joins the room of his name. */
  phone(userId: string): Promise<StagePhone>;
  /** A tune of 4 s. */
  readonly melodyUrl: string;
  /** SIGKILL. */
  killBridge(): Promise<void>;
  /** At the same address. The phones come back, and those that talked talk on. */
  startBridge(): Promise<void>;
  /** Prints the claim, and whether it holds. */
  check(claim: string, holds: boolean): void;
  close(): Promise<void>;
}

/** Runs an example on a stage of its own, and ends the process with what came of it. */
export async function runExample(show: (stage: Stage) => Promise<void>): Promise<void> {
  const claims: boolean[] = [];
  const stage = await openStage(claims);
  try {
    await Promise.race([show(stage), tooLong()]);
  } catch (error) {
    stage.check(`it runs to its end: ${error instanceof Error ? error.message : String(error)}`, false);
  } finally {
    await stage.close();
  }
  process.exitCode = claims.length > 0 && claims.every(Boolean) ? 0 : 1;
  // Nothing is left that would keep the process: a client that has been disposed lets go of all it had.
  setTimeout(() => {
    say("FAILED  something is still open");
    process.exit(1);
  }, LEFT_OPEN_MAX_MS).unref();
}

/** For a cloud that reads its environment: that of a stage on which a phone talks, until a signal ends both. */
export async function lendEnvironment(userId: string): Promise<Readonly<Record<string, string | undefined>>> {
  const settings = await worldSettings();
  const world = await WorldProcess.start(settings);
  await world.ask("enter", userId);
  await world.ask("talk", userId);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void world.leave());
  return { ...process.env, ...environmentOf(settings) };
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Resolves after so many milliseconds. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

export async function openStage(claims: boolean[] = []): Promise<Stage> {
  const settings = await worldSettings();
  const melody = await serveMelody();
  let world: WorldProcess | undefined = await WorldProcess.start(settings);
  const onStage = (): WorldProcess => {
    if (!world) throw new Error("the bridge has been killed");
    return world;
  };
  const talking = new Map<string, boolean>();
  return {
    bridgeAddress: addressOf(settings),
    livekitUrl: settings.livekitUrl,
    bridgeToken: createRoomTokens(settings),
    env: environmentOf(settings),
    melodyUrl: melody.url,
    async phone(userId) {
      await onStage().ask("enter", userId);
      talking.set(userId, false);
      return phoneOf(userId, onStage, (isTalking) => talking.set(userId, isTalking));
    },
    async killBridge() {
      await world?.kill();
      world = undefined;
    },
    async startBridge() {
      world = await WorldProcess.start(settings);
      for (const [userId, isTalking] of talking) {
        await world.ask("enter", userId);
        if (isTalking) await world.ask("talk", userId);
      }
    },
    check(claim, holds) {
      claims.push(holds);
      say(`${holds ? "OK    " : "FAILED"}  ${claim}`);
    },
    async close() {
      await world?.leave();
      await melody.server.close();
    },
  };
}

const EXAMPLE_MAX_MS = 60_000;
const LEFT_OPEN_MAX_MS = 5000;
const HEARD_MAX_MS = 10_000;
const LOOK_EVERY_MS = 50;

function phoneOf(userId: string, world: () => WorldProcess, talks: (isTalking: boolean) => void): StagePhone {
  return {
    async talk() {
      await world().ask("talk", userId);
      talks(true);
    },
    async hush() {
      await world().ask("hush", userId);
      talks(false);
    },
    say: (frequencyHz, durationMs) => world().ask("say", userId, frequencyHz, durationMs),
    async heard(trackName, audibleMinMs = 0) {
      const untilMs = performance.now() + HEARD_MAX_MS;
      for (;;) {
        const heard = await world().ask("heard", userId, trackName);
        if (heard.audibleMs >= audibleMinMs || performance.now() >= untilMs) return heard;
        await sleep(LOOK_EVERY_MS);
      }
    },
  };
}

async function worldSettings(): Promise<WorldSettings> {
  return { port: await freePort(), livekitUrl: "ws://embedded.invalid", apiKey: "devkey", apiSecret: "secret" };
}

function addressOf({ port }: WorldSettings): string {
  return `127.0.0.1:${port}`;
}

/** What a cloud reads. */
function environmentOf(settings: WorldSettings): Readonly<Record<string, string>> {
  return {
    LIVEKIT_GRPC_BRIDGE_URL: addressOf(settings),
    LIVEKIT_URL: settings.livekitUrl,
    LIVEKIT_API_KEY: settings.apiKey,
    LIVEKIT_API_SECRET: settings.apiSecret,
  };
}

function tooLong(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not done within ${EXAMPLE_MAX_MS} ms`)), EXAMPLE_MAX_MS).unref();
  });
}

/**
 * A port to come back to. Below the range from which the system takes ports for connections: a client that calls a port of
 * that range while nobody listens may be given the very same one, and would be connected to itself.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    if (isFree) return port;
  }
}
