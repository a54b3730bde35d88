// What a fault cost: when it was noticed, and when the user was heard again. Printed as one line for each, and held to the
// limit.

import { expect } from "vitest";
import type { LogPattern } from "./log-book.js";
import type { Party } from "./party.js";
import { flowing } from "./party.js";
import type { Scene } from "./scene.js";

/** How long audio may stay away after a fault has healed. */
export const RESUME_MAX_MS = 3000;

export interface Fault {
  /** Scenario and fault, for people. */
  readonly what: string;
  /** Unix times in milliseconds. */
  readonly cutAtMs: number;
  readonly healedAtMs: number;
  /** The log line by which it is noticed. By default the cloud's, that its stream is gone. */
  readonly noticedBy?: LogPattern;
  /** What the network or LiveKit needed by themselves after the heal, as a control in the same run measured. */
  readonly control?: { readonly what: string; readonly ms: number };
}

/** Waits for the user to be heard again, within the limit after the heal and what the control needed. */
export async function expectResumed(scene: Scene, party: Party, fault: Fault): Promise<void> {
  const { what, cutAtMs, healedAtMs, control } = fault;
  const flow = await flowing(party, healedAtMs);
  // Nothing was missed at all when the newest silence is older than the fault.
  const resumedAtMs = Math.max(flow.sinceMs, cutAtMs);
  const noticedAtMs = scene.book.find(fault.noticedBy ?? lostBy(party), cutAtMs)[0]?.time;
  const texts =
    noticedAtMs === undefined
      ? ["not noticed", "heard"]
      : [`noticed after ${seconds(noticedAtMs - cutAtMs)}`, `heard ${seconds(resumedAtMs - noticedAtMs)} after that,`];
  console.log(
    `${what}: ${texts.join("; ")} ${seconds(resumedAtMs - healedAtMs)} after the heal`,
    control ? `(${control.what}: ${seconds(control.ms)})` : "",
  );
  expect(resumedAtMs - healedAtMs, what).toBeLessThan(RESUME_MAX_MS + (control?.ms ?? 0));
}

/** The cloud's stream is gone, and it knows. */
export function lostBy({ cloud, user }: Party): LogPattern {
  return { source: cloud.source, message: "LiveKit gRPC status", userId: user, isConnected: false };
}

function seconds(ms: number): string {
  return `${(Math.round(ms / 100) / 10 + 0).toFixed(1)} s`;
}
