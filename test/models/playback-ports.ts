// PlayAudio and StopAudio calls as a test holds them. A PlayAudio call is also what drives its player: a test says when the
// file is open, when its sound begins and how it ends.

import type { PlaybackEvent, PlayerInput } from "../../src/machines/playback-context.js";
import type { PlaybackFailure, PlaybackPort, PlaybackRequest, StopReply } from "../../src/machines/ports.js";
import type { PortDesk } from "./ports.js";
import { FakePort } from "./ports.js";

/** `player` throws when it starts; the others are methods of the port that break their promise. */
export type PlaybackBreakage = "player" | "started" | "describe" | "complete" | "fail";

export class FakePlaybackPort extends FakePort implements PlaybackPort {
  readonly request: PlaybackRequest;
  /** What its caller reads, event by event. */
  readonly events: string[] = [];
  media: Readonly<Record<string, string>> = {};
  broken: PlaybackBreakage | undefined;
  #send: ((event: PlaybackEvent) => void) | undefined;

  constructor(desk: PortDesk, name: string, request: PlaybackRequest) {
    super(desk, name);
    this.request = request;
  }

  /** While it runs, its sound is in the room. */
  get hasPlayer(): boolean {
    return this.#send !== undefined;
  }

  started(): void {
    this.#breakIf("started");
    this.#tell("STARTED");
  }

  describe(media: Readonly<Record<string, string>>): void {
    this.#breakIf("describe");
    this.media = media;
  }

  progress(): void {
    this.#tell("PROGRESS");
  }

  complete(): void {
    this.#breakIf("complete");
    this.#tell("COMPLETED");
    this.settle("COMPLETED");
  }

  fail({ status, message }: PlaybackFailure): void {
    this.#breakIf("fail");
    this.#tell("FAILED");
    this.settle(`${status} ${message}`);
  }

  override abandon(): void {
    this.#tell("FAILED");
    this.settle("INTERNAL internal error");
  }

  // The stand-in for the player actor.

  /** Like the real one it ends by XState's clean-up, or by a signal when a crash has skipped that. */
  play({ scope }: PlayerInput, send: (event: PlaybackEvent) => void): () => void {
    this.#breakIf("player");
    if (this.#send) this.desk.violations.push(`${this.name} was played twice`);
    this.#send = send;
    const stop = () => {
      this.#send = undefined;
    };
    scope.signal.addEventListener("abort", stop, { once: true });
    return stop;
  }

  open(): void {
    this.#send?.({ type: "player.opened", media: { format: "wav" } });
  }

  begin(): void {
    this.#send?.({ type: "player.began" });
  }

  finish(): void {
    this.#send?.({ type: "player.finished", durationMs: 1500 });
  }

  failing(): void {
    this.#send?.({ type: "player.failed", failure: { status: "DATA_LOSS", message: "the file is damaged" } });
  }

  /** The playback itself fails: the port throws at it. */
  crash(): void {
    this.broken = "describe";
    this.open();
  }

  #tell(event: string): void {
    if (this.isSettled) this.desk.violations.push(`${this.name} was told ${event} after its end`);
    this.events.push(event);
  }

  #breakIf(part: PlaybackBreakage): void {
    if (this.broken === part) throw new Error(`the playback's ${part} is broken`);
  }
}

export class FakeStopReply extends FakePort implements StopReply {
  succeed(stoppedRequestIds: readonly string[]): void {
    this.settle(`stopped: ${stoppedRequestIds.join(",")}`);
  }

  fail(message: string): void {
    this.settle(message);
  }
}
