// Everything that can be set, from the environment, checked once. docs/configuration.md is generated from this table.

import { z } from "zod";
import { BridgeError } from "./errors.js";
import { redact } from "./redact.js";

const wholeNumber = () => z.coerce.number({ error: "must be a number" });
const ms = (value: number, max: number, what: string) =>
  wholeNumber().int().min(1).max(max).default(value).describe(`${what} (ms)`);
const count = (value: number, max: number, what: string) =>
  wholeNumber().int().min(1).max(max).default(value).describe(what);

const HOUR_MS = 3_600_000;

export const configSchema = z.object({
  PORT: wholeNumber()
    .int()
    .min(0)
    .max(65_535)
    .default(9090)
    .describe("TCP port of the gRPC server; 0 takes a free one"),
  BRIDGE_HOST: z
    .string()
    .default("0.0.0.0")
    .describe("Address the gRPC server listens on; 127.0.0.1 for this machine only"),
  LIVEKIT_GRPC_SOCKET: z.string().optional().describe("Path of a unix socket; when set, nothing listens on TCP"),
  LIVEKIT_GRPC_SOCKET_MODE: z
    .string()
    .regex(/^0?[0-7]{3}$/, "must be octal permissions such as 0660")
    .default("0660")
    .describe("Permissions of the unix socket, octal"),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("Log level"),
  BRIDGE_ENV: z.string().max(64).default("development").describe("`env` in every log line, for instance production"),
  LIVEKIT_ENGINE: z
    .enum(["rtc-node", "datachannel", "embedded"])
    .default("rtc-node")
    .describe(
      "How rooms are joined: rtc-node is LiveKit's own library, datachannel our lean one, embedded is rooms in memory, for trying out",
    ),
  LIVEKIT_URL: z
    .url({ protocol: /^(ws|wss|http|https)$/, error: "must be a ws, wss, http or https URL" })
    .optional()
    .describe("LiveKit server for joins that name none"),
  LIVEKIT_URL_ALLOWLIST: z
    .string()
    .default("")
    .transform((hosts) =>
      hosts
        .split(",")
        .map((host) => host.trim().toLowerCase())
        .filter((host) => host !== ""),
    )
    .describe(
      "Comma-separated hosts (with port where it is not the scheme's own) that a join may name; empty allows all",
    ),
  LIVEKIT_API_KEY: z
    .string()
    .optional()
    .describe("Key of the embedded engine's tokens; the rtc-node engine needs none"),
  LIVEKIT_API_SECRET: z.string().optional().describe("Secret of the embedded engine's tokens; never printed"),
  BRIDGE_SESSIONS_MAX: count(200, 100_000, "Sessions at once; a join above it is refused RESOURCE_EXHAUSTED"),
  BRIDGE_TRACKS_MAX: count(16, 64, "Tracks a session may publish"),
  BRIDGE_PLAYBACKS_MAX: count(10, 64, "Playbacks at once per session"),
  BRIDGE_TRACK_CHANNELS: wholeNumber().int().min(1).max(2).default(1).describe("Channels of published tracks"),
  BRIDGE_MESSAGE_MAX_BYTES: count(10 * 1024 * 1024, 256 * 1024 * 1024, "Largest gRPC message either way, in bytes"),
  BRIDGE_CONCURRENT_STREAMS_MAX: count(100_000, 2 ** 31 - 1, "HTTP/2 streams at once on one connection"),
  BRIDGE_DOWNLINK_QUEUE_PACKETS_MAX: count(
    200,
    100_000,
    "Microphone packets that wait for a slow stream; then the oldest goes",
  ),
  BRIDGE_DOWNLINK_QUEUE_BYTES_MAX: count(
    256 * 1024,
    2 ** 30,
    "Microphone bytes that wait for a slow stream; then the oldest goes",
  ),
  BRIDGE_DOWNLINK_KEPT_MS: ms(1000, 60_000, "Microphone audio kept for the next stream while none is attached"),
  BRIDGE_UPLINK_QUEUE_MS: ms(10_000, 600_000, "Uplink audio a track holds before its stream is paused"),
  BRIDGE_JOIN_TIMEOUT_MS: ms(15_000, HOUR_MS, "JoinRoom is answered at the latest after this"),
  BRIDGE_PREDECESSOR_TIMEOUT_MS: ms(2000, HOUR_MS, "A replacing join waits this long for the old room to be left"),
  BRIDGE_ZOMBIE_TIMEOUT_MS: ms(30_000, HOUR_MS, "A session without a stream is reaped after this"),
  BRIDGE_INACTIVITY_TIMEOUT_MS: ms(
    30_000,
    HOUR_MS,
    "A heartbeat peer without any chunk either way is dropped after this",
  ),
  BRIDGE_SEND_TIMEOUT_MS: ms(2000, HOUR_MS, "A chunk that the peer does not take within this ends the stream"),
  BRIDGE_RESET_AFTER_MS: ms(500, 60_000, "An ended call that the peer does not let go is reset after this"),
  BRIDGE_FIRST_CHUNK_TIMEOUT_MS: ms(10_000, HOUR_MS, "A StreamAudio call must name its user within this"),
  BRIDGE_RECONNECT_TIMEOUT_MS: ms(20_000, HOUR_MS, "A lost room transport must be regained within this"),
  BRIDGE_ROOM_CLOSE_TIMEOUT_MS: ms(5000, 60_000, "Budget for leaving a room"),
  BRIDGE_LEAVE_REPLY_TIMEOUT_MS: ms(1500, 60_000, "LeaveRoom is answered at the latest after this"),
  BRIDGE_TRACK_RETRY_MS: ms(5000, HOUR_MS, "A refused publish is tried again with the first audio after this"),
  BRIDGE_AUDIO_ALLOWED: z
    .string()
    .default("")
    .transform((hosts) =>
      hosts
        .split(",")
        .map((host) => host.trim())
        .filter((host) => host !== ""),
    )
    .describe("Comma-separated hosts, addresses or networks that PlayAudio may fetch from although they are private"),
  BRIDGE_AUDIO_REDIRECTS_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .max(20)
    .default(3)
    .describe("Redirects of an audio URL that are followed"),
  BRIDGE_AUDIO_CONNECT_TIMEOUT_MS: ms(3000, 60_000, "An audio URL's server must be connected within this"),
  BRIDGE_AUDIO_FIRST_BYTE_TIMEOUT_MS: ms(5000, 60_000, "It must send the first byte of the file within this"),
  BRIDGE_AUDIO_STALL_TIMEOUT_MS: ms(10_000, HOUR_MS, "It may pause this long while the playback waits for bytes"),
  BRIDGE_AUDIO_BYTES_PER_SECOND_MIN: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 30)
    .default(1000)
    .describe("Slower servers are given up, in bytes per second; counted only while the playback waits"),
  BRIDGE_AUDIO_SIZE_MAX_BYTES: count(2 ** 30, 2 ** 40, "Largest audio file, in bytes"),
  BRIDGE_AUDIO_PREAMBLE_MAX_BYTES: count(256 * 1024 * 1024, 2 ** 30, "Tags skipped before the audio begins, in bytes"),
  BRIDGE_AUDIO_DURATION_MAX_MS: ms(2 * HOUR_MS, 24 * HOUR_MS, "Longest audio"),
  BRIDGE_DRAIN_TIMEOUT_MS: ms(7000, HOUR_MS, "Budget of a drain for leaving all rooms"),
  BRIDGE_DISCONNECTS_REMEMBERED_MAX: count(10_000, 10_000_000, "Users whose last disconnect GetStatus remembers"),
  BRIDGE_DISCONNECTS_REMEMBERED_MS: ms(HOUR_MS, 7 * 24 * HOUR_MS, "How long GetStatus remembers a disconnect"),
  BRIDGE_CONNECTS_MAX: count(
    8,
    64,
    "Rooms of one LiveKit server joined at once; of users who all come at once, as many get in before the join timeout as this times the timeout divided by the time of one join (at most 1 s counts)",
  ),
  BRIDGE_KEEPALIVE_TIME_MS: ms(8000, HOUR_MS, "The server pings a connection after this much silence"),
  BRIDGE_KEEPALIVE_TIMEOUT_MS: ms(5000, HOUR_MS, "A ping must be answered within this, or the connection is dropped"),
  BRIDGE_METRICS_PORT: wholeNumber()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(
      "Port of `/metrics`, `/health`, `/healthz` and `/readyz`, for instance 9464; 0 takes a free one, unset opens none",
    ),
  BRIDGE_METRICS_HOST: z
    .string()
    .default("127.0.0.1")
    .describe("Address that port listens on; 0.0.0.0 lets whoever reaches it read the figures"),
  BRIDGE_INSPECT_PORT: wholeNumber().int().min(0).max(65_535).default(8080).describe("Loopback port of `--inspect`"),
});

export type Config = z.output<typeof configSchema>;

const SECRETS: ReadonlySet<string> = new Set(["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]);

/** Reads the environment. Empty values count as unset, since compose files cannot leave one out. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given: Record<string, string> = {};
  for (const name of Object.keys(configSchema.shape)) {
    const value = env[name];
    if (value !== undefined && value !== "") given[name] = value;
  }
  const result = configSchema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const got = SECRETS.has(name) ? "a secret" : JSON.stringify(redact(given[name] ?? ""));
    return `${name}: ${message} (got ${got})`;
  });
  throw new BridgeError("config_invalid", problems.join("; "));
}

/** What may be printed: every setting, secrets only as present or absent. */
export function printableConfig(config: Config): Record<string, unknown> {
  const entries = Object.entries(config).map(([name, value]) => [
    name,
    SECRETS.has(name) && value !== undefined ? "[set]" : value,
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}
