// One StreamAudio call: accepted, kept alive by heartbeats that the bridge echoes, and over once, whatever comes later.
//
// An old bridge sends nothing before its first packet and echoes nothing, so its stream counts as accepted when it has not
// failed for half a second.

import type { ClientDuplexStream, Metadata, StatusObject } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import type { Clock, Random } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import type { ClientLimits } from "../limits.js";
import type { BridgeServiceClient } from "./definition.js";
import { EchoWatch } from "./echo-watch.js";
import type { AudioChunkMessage } from "./messages.js";
import { fromStatus } from "./status-errors.js";
import { UplinkQueue } from "./uplink-queue.js";

export interface AudioStreamListener {
  accepted(): void;
  /** Something has arrived, be it an echo. */
  heard(): void;
  chunk(chunk: AudioChunkMessage): void;
  /** The bridge ended the stream in order; `undefined`: an old bridge, which gives no reason. */
  ended(reason: string | undefined): void;
  failed(error: BridgeClientError): void;
}

export interface AudioStreamInput {
  readonly client: BridgeServiceClient;
  readonly userId: string;
  readonly metadata: Metadata;
  /** Old bridges neither send headers nor echo. */
  readonly isOldBridge: boolean;
  readonly limits: ClientLimits;
  readonly clock: Clock;
  readonly random: Random;
}

/** How long the bridge may take to answer a half-close, before the call is cancelled. */
const CLOSE_MAX_MS = 1000;

export class AudioStream {
  readonly #input: AudioStreamInput;
  readonly #listener: AudioStreamListener;
  readonly #call: ClientDuplexStream<AudioChunkMessage, AudioChunkMessage>;
  readonly #uplink: UplinkQueue;
  readonly #echo: EchoWatch;
  #acceptTimer: unknown;
  #closeTimer: unknown;
  #isAccepted = false;
  #isOver = false;

  constructor(input: AudioStreamInput, listener: AudioStreamListener) {
    const { client, limits, clock, userId, metadata, isOldBridge } = input;
    this.#input = input;
    this.#listener = listener;
    this.#call = client.streamAudio(metadata);
    this.#uplink = new UplinkQueue(this.#call, userId, clock, limits.uplinkQueueMaxMs);
    const silent = () => this.#fail(new BridgeClientError("stream_silent", silentText(limits)));
    this.#echo = new EchoWatch(input, { beat: () => this.#uplink.beat(), silent });
    this.#listen();
    this.#uplink.beat();
    const waitMs = isOldBridge ? limits.assumedAcceptedAfterMs : limits.acceptTimeoutMs;
    this.#acceptTimer = clock.setTimeout(() => this.#acceptTimeIsOver(), waitMs);
  }

  get uplink(): UplinkQueue {
    return this.#uplink;
  }

  /** Ends the stream in order. Nothing is told to the listener any more. */
  close(): void {
    if (this.#isOver) return;
    this.#over();
    this.#call.end();
    // The answer ends the timer: see `#listen`.
    this.#closeTimer = this.#input.clock.setTimeout(() => this.#call.cancel(), CLOSE_MAX_MS);
  }

  #listen(): void {
    const call = this.#call;
    call.on("metadata", (metadata: Metadata) => {
      if (metadata.get("bridge-version").length > 0) this.#accept();
    });
    call.on("data", (chunk: AudioChunkMessage) => this.#received(chunk));
    call.on("status", (end: StatusObject) => this.#ended(end));
    // What it says comes as the status, too; without a listener it would end the process.
    call.on("error", () => {});
  }

  #received(chunk: AudioChunkMessage): void {
    if (this.#isOver) return;
    this.#accept();
    this.#listener.heard();
    if (chunk.pcm_data.length === 0) this.#echo.echoed();
    else this.#listener.chunk(chunk);
  }

  #accept(): void {
    if (this.#isAccepted || this.#isOver) return;
    this.#isAccepted = true;
    this.#input.clock.clearTimeout(this.#acceptTimer);
    this.#echo.start();
    this.#listener.accepted();
  }

  #acceptTimeIsOver(): void {
    if (this.#input.isOldBridge) return this.#accept();
    const text = `StreamAudio: not accepted within ${this.#input.limits.acceptTimeoutMs} ms`;
    this.#fail(new BridgeClientError("not_accepted", text));
  }

  #ended(end: StatusObject): void {
    this.#input.clock.clearTimeout(this.#closeTimer);
    if (this.#isOver) return;
    this.#over();
    const [reason] = end.metadata.get("bridge-end-reason").map(String);
    if (end.code === status.OK) return this.#listener.ended(reason);
    this.#listener.failed(fromStatus(end, "StreamAudio", reason));
  }

  #fail(error: BridgeClientError): void {
    if (this.#isOver) return;
    this.#over();
    this.#call.cancel();
    this.#listener.failed(error);
  }

  #over(): void {
    this.#isOver = true;
    this.#echo.stop();
    this.#uplink.close();
    this.#input.clock.clearTimeout(this.#acceptTimer);
  }
}

function silentText({ echoTimeoutMs }: ClientLimits): string {
  return `StreamAudio: no heartbeat was echoed for ${echoTimeoutMs} ms`;
}
