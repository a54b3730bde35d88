// Rooms of a real LiveKit server: one that is given, or one that is found on this machine and started for the demo.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { AccessToken, RoomServiceClient } from "livekit-server-sdk";
import { createEngine } from "../src/livekit/create-engine.js";
import { systemClock } from "../src/time.js";
import { startLiveKitServer } from "../test/support/livekit-server.js";
import { joinRtcParticipant } from "../test/support/rtc-participant.js";
import { UsageError } from "./options.js";
import type { Rooms } from "./rooms.js";

interface Server {
  readonly description: string;
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  stop(): Promise<void>;
}

const HOW_TO_GET_ONE = "no livekit-server found: get one at https://github.com/livekit/livekit, or set LIVEKIT_URL";

export async function openLivekitRooms(env: Readonly<Record<string, string | undefined>>): Promise<Rooms> {
  const server = givenServer(env) ?? (await startServer(env));
  const { url, apiKey, apiSecret } = server;
  const service = new RoomServiceClient(url.replace(/^ws/, "http"), apiKey, apiSecret);

  async function token(identity: string, room: string): Promise<string> {
    const accessToken = new AccessToken(apiKey, apiSecret, { identity, ttl: 600 });
    accessToken.addGrant({ roomJoin: true, room });
    return accessToken.toJwt();
  }

  return {
    description: server.description,
    url,
    engineName: "rtc-node",
    createEngine: (config, logger) => createEngine(config, { clock: systemClock, logger, panicked: abandonShip }),
    token,
    async enter(identity, room) {
      const participant = await joinRtcParticipant(url, await token(identity, room));
      return {
        identity,
        publishData: (payload) => participant.publishData(payload),
        heard: (trackName) => participant.frames(trackName).map(({ samples }) => samples),
        leave: () => participant.leave(),
      };
    },
    async identities(room) {
      const participants = await service.listParticipants(room);
      return participants.map(({ identity }) => identity);
    },
    close: () => server.stop(),
  };
}

function givenServer(env: Readonly<Record<string, string | undefined>>): Server | undefined {
  const { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey = "devkey", LIVEKIT_API_SECRET: apiSecret = "secret" } = env;
  if (url === undefined || url === "") return undefined;
  if (!/^(?:ws|http)s?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError("LIVEKIT_URL must be a ws, wss, http or https URL");
  }
  return { description: `the LiveKit server at ${new URL(url).host}`, url, apiKey, apiSecret, stop: async () => {} };
}

async function startServer(env: Readonly<Record<string, string | undefined>>): Promise<Server> {
  const path = findServer(env);
  if (path === undefined) throw new Error(HOW_TO_GET_ONE);
  // So that it is neither looked for a second time nor installed, which takes minutes.
  process.env["LIVEKIT_SERVER_BIN"] = path;
  const server = await startLiveKitServer();
  const { url, apiKey, apiSecret } = server;
  const description = `a livekit-server of its own at ${new URL(url).host}`;
  return { description, url, apiKey, apiSecret, stop: () => server.stop() };
}

/** `go install` calls the binary `server`, packages call it `livekit-server`. */
function findServer(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const goFolder = join(env["GOPATH"] ?? join(homedir(), "go"), "bin");
  const folders = [...(env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""), goFolder];
  const candidates = folders.flatMap((folder) => ["livekit-server", "server"].map((name) => join(folder, name)));
  return [env["LIVEKIT_SERVER_BIN"] ?? "", ...candidates].find(isLivekitServer);
}

function isLivekitServer(path: string): boolean {
  if (path === "" || !existsSync(path)) return false;
  try {
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
    return /livekit/i.test(execFileSync(path, ["--version"], { encoding: "utf8", timeout: 5000, stdio }));
  } catch {
    return false;
  }
}

function abandonShip(message: string): never {
  process.stderr.write(`LiveKit's native library panicked: ${message}\n`);
  process.exit(1);
}
