// A small cloud: glasses connect over a WebSocket, their user's speech comes through the bridge, captions go back.
//
//   LIVEKIT_URL=wss://… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=… LIVEKIT_GRPC_BRIDGE_URL=… npx tsx examples/cloud.ts
//
// Without LIVEKIT_URL it runs on a stage: a bridge on rooms in memory, and a phone of alice's that talks all the time.
// To see captions: npx wscat -c "ws://127.0.0.1:8080/?user=alice", then send {"type":"CONNECTION_INIT"} and {"type":"MIC","isOn":true}

import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { AudioAvailable, AudioUnavailable, ManagedUser } from "../src/client/index.js";
import { AudioManager, LiveKitManager } from "../src/client/index.js"; // in your project: "livekit-grpc-bridge/client"
import { lendEnvironment } from "./stage.js";

const PORT = Number(process.env["PORT"] ?? 8080);
/** Users at once: a cloud says what it can carry. */
const USERS_MAX = 500;
const SHUTDOWN_MAX_MS = 5000;
const env = process.env["LIVEKIT_URL"] ? process.env : await lendEnvironment("alice");

/** In your project: pino. Tokens are never handed to it. */
const logger = { trace() {}, debug() {}, info: line("info"), warn: line("warn"), error: line("error") };

/** What the glasses are told. */
type Message =
  | { readonly type: "CONNECTION_ACK"; readonly livekit: object | null }
  | { readonly type: "CAPTION"; readonly text: string }
  | { readonly type: "AUDIO_UNAVAILABLE"; readonly reason: string }
  | { readonly type: "AUDIO_AVAILABLE"; readonly goneMs: number };

/** One user: what the manager wants to know of him, and what it tells. */
class User implements ManagedUser {
  readonly userId: string;
  readonly logger = logger;
  readonly audioManager: AudioManager;
  readonly liveKitManager: LiveKitManager;
  websocket: WebSocket;
  lastPongAtMs = Date.now();

  constructor(userId: string, websocket: WebSocket) {
    this.userId = userId;
    this.websocket = websocket;
    const recogniser = new Recogniser((text) => this.tell({ type: "CAPTION", text }));
    // Whatever the packets of the network, the recogniser gets 100 ms each 100 ms.
    this.audioManager = new AudioManager({ userId, logger, env, transcribe: (pcm) => recogniser.hear(pcm) });
    this.liveKitManager = new LiveKitManager(this, { env });
  }

  /** The glasses may come back on another connection; the bridge's session stays. */
  adopt(websocket: WebSocket): void {
    if (this.websocket !== websocket) this.websocket.close(1000, "replaced");
    this.websocket = websocket;
    this.lastPongAtMs = Date.now();
    websocket.on("pong", () => (this.lastPongAtMs = Date.now()));
    websocket.on("message", (data) => void this.#received((data as Buffer).toString()));
  }

  tell(message: Message): void {
    if (this.websocket.readyState === WebSocket.OPEN) this.websocket.send(JSON.stringify(message));
  }

  /** Told once when audio has been impossible for 5 s, and once when it is possible again. */
  onAudioUnavailable({ reason }: AudioUnavailable): void {
    this.tell({ type: "AUDIO_UNAVAILABLE", reason });
  }

  onAudioAvailable({ goneMs }: AudioAvailable): void {
    this.tell({ type: "AUDIO_AVAILABLE", goneMs: Math.round(goneMs) });
  }

  dispose(): void {
    this.websocket.close(1001, "going away");
    this.liveKitManager.dispose();
    this.audioManager.dispose();
  }

  async #received(text: string): Promise<void> {
    try {
      const message = JSON.parse(text) as { readonly type?: unknown; readonly isOn?: unknown };
      // Where the phone has to go, and the bridge on its way there. Answered within 2 s, even if the bridge is not there.
      if (message.type === "CONNECTION_INIT") {
        this.tell({ type: "CONNECTION_ACK", livekit: await this.liveKitManager.handleLiveKitInit() });
      }
      if (message.type === "MIC") this.liveKitManager.onMicStateChange(message.isOn === true);
    } catch (error) {
      logger.warn({ userId: this.userId, error: String(error) }, "A message of the glasses was not understood");
    }
  }
}

/** Stands for a real one: it knows how long somebody speaks and how loud, and says so each second. */
class Recogniser {
  readonly #caption: (text: string) => void;
  #chunks = 0;
  #peak = 0;

  constructor(caption: (text: string) => void) {
    this.#caption = caption;
  }

  hear(pcm: Buffer): void {
    for (let at = 0; at < pcm.length; at += 2) this.#peak = Math.max(this.#peak, Math.abs(pcm.readInt16LE(at)));
    this.#chunks += 1;
    if (this.#chunks < 10) return;
    this.#caption(`1.0 s of speech, peak ${(20 * Math.log10(Math.max(1, this.#peak) / 32_768)).toFixed(0)} dB`);
    this.#chunks = 0;
    this.#peak = 0;
  }
}

const users = new Map<string, User>();
const server = new WebSocketServer({ port: PORT, host: "127.0.0.1", maxPayload: 64 * 1024 });

server.on("connection", (websocket, request) => {
  // A real cloud would take the user from a token.
  const userId = new URL(request.url ?? "/", "ws://cloud").searchParams.get("user") ?? "";
  const known = users.get(userId);
  if (userId === "" || (!known && users.size >= USERS_MAX)) return websocket.close(1008, "no user, or too many");
  const user = known ?? new User(userId, websocket);
  users.set(userId, user);
  user.adopt(websocket);
  websocket.on("error", (error) => logger.warn({ userId, error: error.message }, "WebSocket failed"));
  websocket.on("close", () => {
    // Glasses that came back have another connection by now.
    if (user.websocket !== websocket) return;
    users.delete(userId);
    user.dispose();
  });
});

/** Phones that answer no pings are left in peace by the manager: it would only keep them busier. */
const pinging = setInterval(() => {
  for (const { websocket } of users.values()) websocket.ping();
}, 10_000);

server.on("listening", () => {
  const { port } = server.address() as AddressInfo;
  logger.info({ url: `ws://127.0.0.1:${port}` }, "Cloud listening");
});

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, shutDown);

/** Ends what was begun. The process then ends by itself, since nothing is left that would keep it; if not, with an error. */
function shutDown(): void {
  clearInterval(pinging);
  server.close();
  for (const user of users.values()) user.dispose();
  users.clear();
  setTimeout(() => process.exit(1), SHUTDOWN_MAX_MS).unref();
}

function line(level: string) {
  return (fields: object, message: string): void => {
    process.stdout.write(`${JSON.stringify({ time: Date.now(), level, ...fields, message })}\n`);
  };
}
