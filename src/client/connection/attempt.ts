// One attempt: a fresh token, a channel, JoinRoom, and the stream for as long as it lives. Whoever ends it, everything it
// has begun is given up, and what comes late is closed and reported to nobody.

import type { JoinInfo, JoinTarget } from "../bridge-client.js";
import { BridgeClientError, toClientError } from "../errors.js";
import { within } from "../pause.js";
import type { JoinRoomResponse } from "../wire/messages.js";
import { AudioStream } from "../wire/audio-stream.js";
import { withoutSecrets } from "../wire/status-errors.js";
import type { ConnectionEvent } from "./connection-context.js";
import type { Connection } from "./connection.js";
import { isStillJoined } from "./old-bridge.js";

export class Attempt {
  readonly #connection: Connection;
  readonly #number: number;
  readonly #send: (event: ConnectionEvent) => void;
  readonly #abortion = new AbortController();
  #stream: AudioStream | undefined;

  constructor(connection: Connection, number: number, send: (event: ConnectionEvent) => void) {
    this.#connection = connection;
    this.#number = number;
    this.#send = send;
  }

  async run(): Promise<void> {
    try {
      await this.#join();
    } catch (error) {
      this.#failed(toClientError(error));
    }
  }

  /** Ends whatever is under way. Nothing is reported any more. */
  stop(): void {
    this.#abortion.abort(new BridgeClientError("superseded", "the attempt was given up"));
    this.#stream?.close();
    this.#connection.detached(this.#stream);
  }

  async #join(): Promise<void> {
    const { options, channels, membership } = this.#connection;
    const signal = this.#abortion.signal;
    await channels.joinTurn(options.address, signal);
    if (signal.aborted) return;
    const target = await this.#target();
    await this.#opened();
    const response = await membership.join(() => this.#connection.lease().client, target, signal);
    if (signal.aborted) return;
    const info = infoOf(response);
    channels.setNamed(options.address, info.bridgeVersion !== undefined && response.metadata["keepalive"] === "1");
    this.#send({ type: "attempt.joined", info });
    await this.#opened();
    if (!signal.aborted) this.#open(info);
  }

  /** A connection that fails is not waited for: the call that comes next fails with its reason. */
  async #opened(): Promise<void> {
    const { connectTimeoutMs } = this.#connection.options.limits;
    const signal = this.#abortion.signal;
    const outcome = await this.#connection.lease().opened(connectTimeoutMs, signal);
    if (outcome !== "late" || signal.aborted) return;
    throw new BridgeClientError("unavailable", `the bridge could not be reached within ${connectTimeoutMs} ms`);
  }

  async #target(): Promise<JoinTarget> {
    const { options } = this.#connection;
    const { clock, limits } = options;
    const signal = this.#abortion.signal;
    try {
      const asked = Promise.resolve(options.join({ attempt: this.#number, signal }));
      return await within(asked, { clock, limitMs: limits.joinTargetTimeoutMs, signal, what: "the join callback" });
    } catch (error) {
      if (signal.aborted) throw error;
      const text = error instanceof Error ? error.message : String(error);
      const safeText = withoutSecrets(text);
      // An error that quotes a token would carry it on as the cause.
      const options = safeText === text ? { cause: error } : {};
      throw new BridgeClientError("join_target_failed", `no join target: ${safeText}`, options);
    }
  }

  #open(info: JoinInfo): void {
    const { options, membership } = this.#connection;
    const isOldBridge = info.bridgeVersion === undefined;
    const metadata = membership.metadata(isOldBridge ? {} : { "bridge-echo": "1" });
    const lease = this.#connection.lease();
    const input = { ...options, client: lease.client, metadata, isOldBridge };
    const stream = new AudioStream(input, {
      accepted: () => {
        this.#connection.attached(stream);
        this.#send({ type: "attempt.accepted" });
      },
      heard: () => lease.heard(),
      chunk: (chunk) => this.#connection.deliver(chunk),
      ended: (reason) => void this.#ended(reason),
      failed: (error) => this.#failed(error),
    });
    this.#stream = stream;
  }

  async #ended(reason: string | undefined): Promise<void> {
    this.#connection.detached(this.#stream);
    this.#connection.membership.ended();
    if (reason !== undefined) return this.#send({ type: "attempt.ended", reason });
    // An old bridge says nothing. If it still has a session of the user, somebody else has joined.
    if (await isStillJoined(this.#connection, this.#abortion.signal)) {
      return this.#send({ type: "attempt.ended", reason: "replaced" });
    }
    this.#failed(new BridgeClientError("stream_ended", "StreamAudio: ended by the bridge without a reason"));
  }

  #failed(error: BridgeClientError): void {
    if (this.#abortion.signal.aborted) return;
    this.#connection.detached(this.#stream);
    if (this.#stream) this.#connection.membership.ended();
    if (SUSPICIOUS.has(error.code)) this.#connection.retireLease();
    this.#send({ type: "attempt.failed", error });
  }
}

/** Errors that a dead connection gives as well: the next attempt gets a new one. */
const SUSPICIOUS: ReadonlySet<string> = new Set(["stream_silent", "not_accepted", "deadline_exceeded"]);

function infoOf(response: JoinRoomResponse): JoinInfo {
  return {
    participantId: response.participant_id,
    participantCount: response.participant_count,
    bridgeVersion: response.metadata["version"] || undefined,
    session: response.metadata["session"] || undefined,
  };
}
