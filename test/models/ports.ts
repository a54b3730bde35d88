// Ports as a test holds them: they record every answer, and that it was the only one. What grpc-js would do later (take a
// write, for instance) happens here in a microtask, never inside the call.

import type {
  JoinReply,
  JoinSuccess,
  LeaveReply,
  PeerActivity,
  Settleable,
  StreamEnd,
  StreamHandlers,
  StreamPort,
} from "../../src/machines/ports.js";
import type { Clock } from "../../src/time.js";

/** What all ports of one rig share. */
export interface PortDesk {
  readonly clock: Clock;
  /** Rules that a port has seen broken: none, in any test. */
  readonly violations: string[];
  /** Settlements in the order in which they happened, over all ports. */
  readonly settlements: Settlement[];
}

export interface Settlement {
  readonly port: Settleable;
  readonly answer: string;
  readonly atMs: number;
}

export class FakePort implements Settleable {
  readonly desk: PortDesk;
  readonly name: string;
  answer: string | undefined;
  answeredAtMs: number | undefined;

  constructor(desk: PortDesk, name: string) {
    this.desk = desk;
    this.name = name;
  }

  get isSettled(): boolean {
    return this.answer !== undefined;
  }

  abandon(): void {
    this.settle("abandoned");
  }

  protected settle(answer: string): boolean {
    const { clock, violations, settlements } = this.desk;
    if (this.answer !== undefined) {
      violations.push(`${this.name} was settled twice: "${this.answer}", then "${answer}"`);
      return false;
    }
    this.answer = answer;
    this.answeredAtMs = clock.now();
    settlements.push({ port: this, answer, atMs: clock.now() });
    return true;
  }
}

export class FakeJoinReply extends FakePort implements JoinReply {
  success: JoinSuccess | undefined;

  succeed(success: JoinSuccess): void {
    if (this.settle("success")) this.success = success;
  }

  fail(message: string): void {
    this.settle(`failed to connect to room: ${message}`);
  }

  refuse(status: "UNAVAILABLE" | "RESOURCE_EXHAUSTED", message: string): void {
    this.settle(`${status} ${message}`);
  }
}

export class FakeLeaveReply extends FakePort implements LeaveReply {
  succeed(): void {
    this.settle("success");
  }

  fail(message: string): void {
    this.settle(message);
  }
}

let lastAttachment = 0;

/** A StreamAudio call together with its client. */
export class FakeStreamPort extends FakePort implements StreamPort {
  readonly attachment: number;
  readonly activity: PeerActivity;
  readonly isEchoed: boolean;
  readonly received: Uint8Array[] = [];
  streamEnd: StreamEnd | undefined;
  echoes = 0;
  resumes = 0;
  wasConnected = false;
  /** Its client is gone, whether or not somebody listened. */
  isGone = false;
  /** False: the transport takes no write any more. */
  isTaking = true;
  /** Throws at whoever calls this method: a port that breaks its promise. */
  broken: "connect" | "write" | "end" | "resume" | undefined;
  #pending: (() => void) | undefined;
  #handlers: StreamHandlers | undefined;
  #lateHandlers: StreamHandlers | undefined;
  #past: ((handlers: StreamHandlers) => void) | undefined;

  constructor(desk: PortDesk, name: string, isEchoed: boolean) {
    super(desk, name);
    lastAttachment += 1;
    this.attachment = lastAttachment;
    this.isEchoed = isEchoed;
    this.activity = { lastAtMs: desk.clock.now(), heartbeats: 0, isHeld: false };
  }

  connect(handlers: StreamHandlers): () => void {
    this.#breakIf("connect");
    if (this.wasConnected) this.desk.violations.push(`${this.name} was connected twice`);
    this.wasConnected = true;
    this.activity.lastAtMs = this.desk.clock.now();
    this.#handlers = handlers;
    this.#lateHandlers = handlers;
    this.#past?.(handlers);
    return () => {
      this.#handlers = undefined;
    };
  }

  write(payload: Uint8Array, taken: () => void): void {
    this.#breakIf("write");
    if (this.isSettled) this.desk.violations.push(`${this.name} was written to after its end`);
    if (this.#pending) this.desk.violations.push(`${this.name} had two writes outstanding`);
    if (payload.length > 0) this.received.push(payload);
    else this.echoes += 1;
    this.#pending = taken;
    if (this.isTaking) queueMicrotask(() => this.#take());
  }

  resume(): void {
    this.#breakIf("resume");
    this.resumes += 1;
  }

  end(end: StreamEnd): void {
    this.#breakIf("end");
    if (!this.settle(`${end.status} ${end.details}`.trim())) return;
    this.streamEnd = end;
    // A transport may tell of its end from inside the very call that ends it.
    this.#lateHandlers?.cancelled("ended");
  }

  override abandon(): void {
    if (this.settle("INTERNAL internal error")) {
      this.streamEnd = { status: "INTERNAL", details: "internal error", reason: "internal_error" };
    }
  }

  // What the client does.

  heartbeat(): void {
    this.activity.lastAtMs = this.desk.clock.now();
    this.activity.heartbeats += 1;
    this.#handlers?.heartbeat(this.isEchoed);
  }

  audio(trackId: number, pcm: Uint8Array): boolean | undefined {
    this.activity.lastAtMs = this.desk.clock.now();
    return this.#handlers?.audio({ trackId, pcm, sampleRateHz: 48_000, channels: 1 });
  }

  halfClose(): void {
    this.#tell((handlers) => handlers.halfClosed());
  }

  cancel(): void {
    this.isGone = true;
    this.#tell((handlers) => handlers.cancelled("the client is gone"));
  }

  invalid(): void {
    this.#tell((handlers) => handlers.invalid({ status: "INVALID_ARGUMENT", details: "track_id", reason: "invalid" }));
  }

  stall(): void {
    this.isTaking = false;
  }

  unstall(): void {
    this.isTaking = true;
    this.#take();
  }

  /** What is still on its way when the session has let go of the stream, as if the port had kept its handlers. */
  late(event: "halfClosed" | "cancelled" | "invalid" | "taken"): void {
    if (event === "taken") this.#take();
    else if (event === "halfClosed") this.#lateHandlers?.halfClosed();
    else if (event === "cancelled") this.#lateHandlers?.cancelled("late");
    else this.#lateHandlers?.invalid({ status: "INVALID_ARGUMENT", details: "late", reason: "invalid" });
  }

  #take(): void {
    const taken = this.#pending;
    this.#pending = undefined;
    taken?.();
  }

  #tell(event: (handlers: StreamHandlers) => void): void {
    if (this.isSettled) return;
    if (this.#handlers) event(this.#handlers);
    else this.#past = event;
  }

  #breakIf(method: FakeStreamPort["broken"]): void {
    if (this.broken === method) throw new Error(`the port's ${method} is broken`);
  }
}
