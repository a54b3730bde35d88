// A real livekit-server for tests, on free loopback ports, gone with the test process. Several may run side by side.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { AccessToken, RoomServiceClient, type VideoGrant } from "livekit-server-sdk";
import { freePort } from "./free-port.js";
import { inNamespace } from "./in-namespace.js";

/** The version tests are written against; installed from source where Go is at hand. */
const SERVER_MODULE = "github.com/livekit/livekit-server/cmd/server@v1.13.5";
const API_KEY = "devkey";
const API_SECRET = "a-secret-of-tests-that-is-long-enough-for-hs256";
const START_MAX_MS = 20_000;
const STOP_MAX_MS = 3000;

export interface LiveKitServer {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly pid: number;
  readonly ports: ServerPorts;
  readonly roomService: RoomServiceClient;
  token(identity: string, room: string, grants?: TokenGrants): Promise<string>;
  /** Ends it in good order; kills it when that takes too long. */
  stop(): Promise<void>;
  /** The process stands still: its sockets stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
}

export interface TokenGrants extends Omit<VideoGrant, "room" | "roomJoin"> {
  readonly ttlSeconds?: number;
}

export interface LiveKitServerOptions {
  /** Further lines of the server's YAML configuration. */
  readonly config?: string;
  /** Same ports as a server before, to come back at the same address. */
  readonly ports?: ServerPorts;
  /** The network namespace it runs in. This process's own when left out. */
  readonly namespace?: string;
  /** The one address it listens on and is reached at, an address of its loopback interface. 127.0.0.1 by default. */
  readonly address?: string;
  /** What its tokens are signed with. */
  readonly apiSecret?: string;
  /** Those that it names to its clients. By default one where nobody answers. */
  readonly stunServer?: string;
}

export interface ServerPorts {
  readonly http: number;
  readonly rtcTcp: number;
  readonly rtcUdp: number;
}

/** Path of a livekit-server, installed before if need be and possible; undefined if there is none to be had. */
export function findLiveKitServer(): string | undefined {
  found ??= { path: locate() ?? install() };
  return found.path;
}

/** The same, where a missing server must not pass for a success: it throws when `BRIDGE_REQUIRE_REAL=1`. */
export function requireLiveKitServer(): string | undefined {
  const path = findLiveKitServer();
  if (path) return path;
  const advice = `no livekit-server found: set LIVEKIT_SERVER_BIN, or install Go for "go install ${SERVER_MODULE}"`;
  if (process.env["BRIDGE_REQUIRE_REAL"] === "1") throw new Error(advice);
  console.warn(`SKIPPED: tests against a real LiveKit server; ${advice}`);
  return undefined;
}

export async function startLiveKitServer(options: LiveKitServerOptions = {}): Promise<LiveKitServer> {
  const path = findLiveKitServer();
  if (!path) throw new Error("no livekit-server found");
  const ports = options.ports ?? {
    http: await freePort(),
    rtcTcp: await freePort(),
    rtcUdp: await freePort(),
  };
  const { address = "127.0.0.1", apiSecret = API_SECRET, stunServer = "127.0.0.1:9", config = "" } = options;
  const { file, args } = inNamespace(options.namespace, path, [
    "--config-body",
    configuration({ address, ports, apiSecret, stunServer, config }),
  ]);
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  const log = keepTail(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  dieWithThisProcess(child);
  try {
    await untilItAnswers(`http://${address}:${ports.http}`, child);
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`livekit-server did not start:\n${log()}`, { cause: error });
  }
  return serverHandle(child, exited, { address, ports, apiSecret });
}

/**
 * However this process ends, an abort of native code included: a shell waits for the end of a pipe that only this process
 * holds open, and then kills the server.
 */
function dieWithThisProcess(child: ChildProcess): void {
  const args = ["-c", 'read _; kill -9 "$0"', String(child.pid)];
  const watchdog = spawn("sh", args, { stdio: ["pipe", "ignore", "ignore"], detached: true });
  watchdog.once("error", () => undefined);
  child.once("exit", () => watchdog.kill("SIGKILL"));
}

function serverHandle(
  child: ChildProcess,
  exited: Promise<void>,
  { address, ports, apiSecret }: Required<Pick<LiveKitServerOptions, "address" | "ports" | "apiSecret">>,
): LiveKitServer {
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return {
    url: `ws://${address}:${ports.http}`,
    apiKey: API_KEY,
    apiSecret,
    pid: child.pid ?? -1,
    ports,
    roomService: new RoomServiceClient(`http://${address}:${ports.http}`, API_KEY, apiSecret),
    token: (identity, room, grants) => mintToken(apiSecret, identity, room, grants),
    async stop() {
      child.kill("SIGCONT");
      // The first signal lets the server wait for its participants; the second ends it now.
      child.kill("SIGINT");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MAX_MS);
      await exited;
      clearTimeout(timer);
    },
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    kill,
  };
}

async function mintToken(apiSecret: string, identity: string, room: string, grants: TokenGrants = {}): Promise<string> {
  const { ttlSeconds = 3600, ...grant } = grants;
  const accessToken = new AccessToken(API_KEY, apiSecret, { identity, ttl: ttlSeconds });
  accessToken.addGrant({ ...grant, roomJoin: true, room });
  return accessToken.toJwt();
}

let found: { readonly path: string | undefined } | undefined;

function locate(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), goFolder()];
  const candidates = [process.env["LIVEKIT_SERVER_BIN"]];
  for (const folder of folders) if (folder) candidates.push(join(folder, "livekit-server"), join(folder, "server"));
  return candidates.find((candidate) => candidate !== undefined && isLiveKitServer(candidate));
}

function isLiveKitServer(path: string): boolean {
  return existsSync(path) && /livekit/i.test(output(path, ["--version"]) ?? "");
}

function goFolder(): string | undefined {
  const root = output("go", ["env", "GOPATH"])?.trim();
  return root ? join(root, "bin") : undefined;
}

function install(): string | undefined {
  if (output("go", ["version"]) === undefined) return undefined;
  console.warn(`installing ${SERVER_MODULE}, about two minutes, once`);
  output("go", ["install", SERVER_MODULE], 600_000);
  return locate();
}

function output(command: string, args: readonly string[], timeoutMs = 10_000): string | undefined {
  try {
    return execFileSync(command, args, { encoding: "utf8", timeout: timeoutMs, stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}

type Configured = Required<Pick<LiveKitServerOptions, "address" | "ports" | "apiSecret" | "stunServer" | "config">>;

function configuration({ address, ports, apiSecret, stunServer, config }: Configured): string {
  return `
port: ${ports.http}
bind_addresses: ["${address}"]
keys: {${API_KEY}: ${apiSecret}}
logging: {level: warn}
rtc:
  tcp_port: ${ports.rtcTcp}
  udp_port: ${ports.rtcUdp}
  node_ip: ${address}
  use_external_ip: false
  enable_loopback_candidate: true
  interfaces: {includes: [lo]}
  ips: {includes: ["${address}/32"]}
  stun_servers: ["${stunServer}"]
${config}`;
}

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MAX_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`exit code ${child.exitCode}`);
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    if (performance.now() > deadline) throw new Error(`no answer within ${START_MAX_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const LOG_TAIL_LENGTH_MAX = 8192;

/** The end of what the process says, for an error message. Reading it also keeps its pipes from filling up. */
function keepTail(child: ChildProcess): () => string {
  let tail = "";
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-LOG_TAIL_LENGTH_MAX);
    });
  }
  return () => tail;
}
