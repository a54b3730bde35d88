// The cloud side: one channel to the bridge, joins and streams on it.

import type { StatusObject } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
import type {
  JoinResult,
  StatusResult,
  TestClient,
  TestPlayback,
  TestStream,
  WireChunk,
} from "../test/support/old-client.js";
import { createTestClient } from "../test/support/old-client.js";
import type { Line } from "./line.js";
import { openLine } from "./line.js";
import type { Phone } from "./phone.js";
import { Reception } from "./reception.js";
import type { Rooms } from "./rooms.js";
import { SPEECH_RATE_HZ } from "./speech.js";

export const HEARTBEAT_EVERY_MS = 5000;
const CHUNK_BYTES = (SPEECH_RATE_HZ * 2 * 20) / 1000;

export interface CloudOptions {
  readonly rooms: Rooms;
  readonly userId: string;
  readonly room: string;
  readonly bridgePort: number;
}

/** The bridge's identity in a room. The phone's is the user id alone; were they the same, LiveKit would put one out. */
export const bridgeIdentity = (userId: string) => `cloud-agent:${userId}`;

export class Cloud {
  readonly #options: CloudOptions;
  readonly #line: Line;
  readonly #client: TestClient;

  static async connect(options: CloudOptions): Promise<Cloud> {
    return new Cloud(options, await openLine(options.bridgePort));
  }

  private constructor(options: CloudOptions, line: Line) {
    this.#options = options;
    this.#line = line;
    this.#client = createTestClient(line.address);
  }

  /** Rejects with the bridge's own words. */
  async join(): Promise<JoinResult> {
    const { rooms, userId, room } = this.#options;
    const joined = await this.#client.join({
      user_id: userId,
      room_name: room,
      token: await rooms.token(bridgeIdentity(userId), room),
      livekit_url: rooms.url,
      target_identity: userId,
    });
    if (!joined.success) throw new Error(joined.error);
    return joined;
  }

  /** Opens a stream and beats on it until it ends. */
  listen(phone: Phone): Listening {
    const metadata = new Metadata();
    metadata.set("bridge-echo", "1");
    return new Listening(this.#client.stream(this.#options.userId, metadata), new Reception(phone));
  }

  status(): Promise<StatusResult> {
    return this.#client.status(this.#options.userId);
  }

  play(url: string, trackId: number): TestPlayback {
    return this.#client.play(this.#options.userId, url, { track_id: trackId });
  }

  /** Stops all that plays, and returns the ids of what did. */
  async stop(reason: string): Promise<string> {
    const request = { user_id: this.#options.userId, request_id: "", reason };
    return (await this.#client.stop(request)).stopped_request_id;
  }

  async leave(): Promise<void> {
    const { success, error } = await this.#client.leave(this.#options.userId);
    if (!success) throw new Error(error);
  }

  /** The network between here and the bridge breaks: nothing is said, both ends find their connection reset. */
  tear(): void {
    this.#line.tear();
    this.close();
  }

  close(): void {
    this.#client.close();
    this.#line.close();
  }
}

/** One StreamAudio call. */
export class Listening {
  readonly reception: Reception;
  readonly ended: Promise<StatusObject>;
  readonly #stream: TestStream;
  heartbeats = 0;
  echoes = 0;

  constructor(stream: TestStream, reception: Reception) {
    this.#stream = stream;
    this.reception = reception;
    stream.call.on("data", ({ pcm_data: pcm }: WireChunk) => {
      // Everything of interest is counted below; a long demo must not keep the audio itself.
      stream.chunks.length = 0;
      if (pcm.length === 0) this.echoes += 1;
      else reception.accept(pcm);
    });
    this.#beat();
    const timer = setInterval(() => this.#beat(), HEARTBEAT_EVERY_MS);
    this.ended = stream.ended.then((status) => {
      clearInterval(timer);
      return status;
    });
  }

  get isEnded(): boolean {
    return this.#stream.isEnded();
  }

  /** Sends all of it at once: the bridge plays it in its own time. */
  speak(samples: Int16Array, trackId: number): void {
    const pcm = Buffer.alloc(samples.length * 2);
    for (const [index, sample] of samples.entries()) pcm.writeInt16LE(sample, index * 2);
    for (let offset = 0; offset < pcm.length; offset += CHUNK_BYTES) {
      this.#stream.send(pcm.subarray(offset, offset + CHUNK_BYTES), { track_id: trackId });
    }
  }

  #beat(): void {
    this.heartbeats += 1;
    this.#stream.heartbeat();
  }
}
