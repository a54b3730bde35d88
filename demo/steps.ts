// The steps of the tour. Each returns what it measured, or throws why it cannot hold what it claims.

import { status } from "@grpc/grpc-js";
import { eventually } from "../test/support/eventually.js";
import type { Cloud, Listening } from "./cloud.js";
import { HEARTBEAT_EVERY_MS } from "./cloud.js";
import { kib } from "./meter.js";
import type { Phone } from "./phone.js";
import { PACKET_BYTES, PACKET_MS } from "./phone.js";
import type { Reception } from "./reception.js";
import type { Scene } from "./scene.js";
import { BRIDGE_IDENTITY, USER } from "./scene.js";
import { makeTone, measureTone, TONE_HZ, TONE_MS } from "./tone.js";
import { demand } from "./verdicts.js";
import type { Measured } from "./verdicts.js";

/** A stream of the cloud, and which session of its user it belongs to. */
export interface Presence {
  readonly listening: Listening;
  readonly generation: number;
}

/** Bounds, not promises: many times what is usual, so that a busy machine fails nothing. */
const LATENCY_P95_MAX_MS = 250;
const TEARDOWN_MAX_MS = 2000;
const STATUS_MAX_MS = 2000;
/** How long a new stream is watched, to see that its audio goes on. */
const PROOF_MS = 1000;
const BOTH = [USER, BRIDGE_IDENTITY].toSorted().join(", ");

export async function enterPhone(scene: Scene): Promise<Measured<Phone>> {
  scene.begin(`A phone joins room ${scene.room} and speaks`);
  const phone = await scene.enterPhone();
  phone.speak();
  const detail = `${USER} publishes ${1000 / PACKET_MS} packets a second of ${PACKET_BYTES} bytes, 16 kHz mono`;
  scene.tell(detail);
  return { detail, value: phone };
}

export async function joinCloud(scene: Scene, cloud: Cloud, phone: Phone): Promise<Measured<Presence>> {
  scene.begin(`The cloud joins by gRPC and listens for ${scene.streamingMs / 1000} s`);
  const startMs = performance.now();
  const joined = await cloud.join();
  const joinMs = elapsed(startMs);
  const listening = scene.listen(cloud, phone);
  const count = joined.participant_count;
  demand(count === 2, `JoinRoom counts ${count} participants instead of 2`);
  const detail = `JoinRoom in ${joinMs}: ${joined.participant_id}, ${count} participants`;
  return { detail, value: { listening, generation: generationOf(joined.metadata) } };
}

export async function hearMicrophone(scene: Scene, { reception }: Listening, phone: Phone): Promise<Measured<void>> {
  await pause(scene.streamingMs);
  await caughtUp(reception, phone);
  const { packets, bytes } = reception;
  const [p50, p95] = [reception.latencyMs(0.5), reception.latencyMs(0.95)];
  demand(phone.failure === undefined, `the phone could not publish: ${String(phone.failure)}`);
  demandWhole(reception);
  const expected = scene.streamingMs / PACKET_MS;
  demand(packets >= 0.9 * expected, `${packets} packets instead of about ${expected}`);
  demand(p95 < LATENCY_P95_MAX_MS, `p95 of the latency is ${p95.toFixed(0)} ms`);
  const latency = `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`;
  return { detail: `${packets} packets, ${kib(bytes)}, lost 0, ${latency}`, value: undefined };
}

export async function checkHeartbeats(listening: Listening): Promise<Measured<void>> {
  await eventually("an echo for every heartbeat", () => listening.echoes === listening.heartbeats, 1000);
  const every = HEARTBEAT_EVERY_MS / 1000;
  return { detail: `${listening.echoes} of ${listening.heartbeats}, one every ${every} s`, value: undefined };
}

export async function speakToPhone(scene: Scene, listening: Listening, phone: Phone): Promise<Measured<void>> {
  scene.begin(`The cloud plays ${TONE_MS / 1000} s of ${TONE_HZ} Hz on track 0, and the phone hears it`);
  listening.speak(makeTone(), 0);
  const isOver = () => measureTone(phone.heard("speaker")).durationMs >= 0.95 * TONE_MS;
  await eventually("the tone is heard by the phone", isOver);
  // Whatever comes behind the tone would make it too long.
  await pause(300);
  const { frequencyHz, loudness, durationMs } = measureTone(phone.heard("speaker"));
  const level = `${Math.round(100 * loudness)} %`;
  const detail = `${frequencyHz.toFixed(1)} Hz for ${durationMs} ms at ${level} of the level sent`;
  scene.tell(`heard on "speaker": ${detail}`);
  demand(Math.abs(frequencyHz - TONE_HZ) < 2, `heard ${frequencyHz.toFixed(1)} Hz instead of ${TONE_HZ} Hz`);
  demand(loudness > 0.7 && loudness < 1.3, `heard at ${level} of the level sent`);
  demand(Math.abs(durationMs - TONE_MS) <= 0.1 * TONE_MS, `heard for ${durationMs} ms instead of ${TONE_MS} ms`);
  return { detail, value: undefined };
}

export async function replace(scene: Scene, cloud: Cloud, old: Presence, phone: Phone): Promise<Measured<Presence>> {
  scene.begin("The cloud joins again: the new session replaces the old one");
  const joined = await cloud.join();
  // The old stream ends before the reply is written, but its status may be read a moment after it.
  const reason = await endOf(old.listening);
  scene.screen.settle();
  const listening = scene.listen(cloud, phone);
  const generation = generationOf(joined.metadata);
  demand(generation === old.generation + 1, `generation ${generation} follows ${old.generation}`);
  await audioGoesOn(listening.reception, phone);
  const identities = await scene.identities();
  demand(identities === BOTH, `in the room: ${identities}`);
  const gapMs = (listening.reception.firstAtMs ?? 0) - (old.listening.reception.lastAtMs ?? 0);
  scene.tell(`stream 1 ended OK (${reason}); in the room, as it says itself: ${identities}`);
  const detail = `session ${old.generation} → ${generation}, old stream OK, 1 bridge in the room, gap ${gapMs.toFixed(0)} ms`;
  return { detail, value: { listening, generation } };
}

export async function tear(scene: Scene, cloud: Cloud): Promise<Measured<true>> {
  scene.begin("The connection between cloud and bridge is torn");
  scene.screen.settle();
  const startMs = performance.now();
  cloud.tear();
  const { backend } = scene.host.bridge;
  const isGone = () => backend.counts().sessions + backend.counts().closing === 0;
  await eventually("the session is gone", isGone);
  await eventually("the bridge is out of the room", async () => !(await scene.identities()).includes(BRIDGE_IDENTITY));
  const tookMs = performance.now() - startMs;
  demand(tookMs < TEARDOWN_MAX_MS, `it took ${tookMs.toFixed(0)} ms`);
  const detail = `session gone and room left ${tookMs.toFixed(0)} ms after the line broke`;
  scene.tell(detail);
  return { detail, value: true };
}

export async function resume(scene: Scene, cloud: Cloud, phone: Phone): Promise<Measured<Presence>> {
  scene.begin("The cloud comes back on a new connection");
  const { connected, last_disconnect_reason: reason } = await cloud.status();
  demand(!connected && reason === "stream_error", `GetStatus says connected=${connected}, "${reason}"`);
  scene.tell(`GetStatus before: not connected, ${reason}`);
  const startMs = performance.now();
  const joined = await cloud.join();
  const joinMs = elapsed(startMs);
  const listening = scene.listen(cloud, phone);
  await eventually("audio on the new stream", () => listening.reception.packets > 0);
  const resumeMs = elapsed(startMs);
  await audioGoesOn(listening.reception, phone);
  const detail = `joined in ${joinMs}, first audio after ${resumeMs}`;
  scene.tell(detail);
  return { detail, value: { listening, generation: generationOf(joined.metadata) } };
}

export async function leaveAll(scene: Scene, cloud: Cloud, last: Presence, phone: Phone): Promise<Measured<void>> {
  scene.begin("The cloud leaves, the bridge drains");
  const { host } = scene;
  await cloud.leave();
  await endOf(last.listening);
  scene.screen.settle();
  await eventually("the phone is alone", async () => (await scene.identities()) === USER, TEARDOWN_MAX_MS);
  const heartbeatsOwed = last.listening.heartbeats - last.listening.echoes;
  demand(heartbeatsOwed <= 1, `${heartbeatsOwed} heartbeats were not answered`);
  await phone.leave();
  cloud.close();
  await host.bridge.drain();
  const { rooms, connecting, tracks } = host.engine.counts();
  demand(rooms + connecting + tracks === 0, `left behind: ${rooms} rooms, ${tracks} tracks`);
  demand(host.errors.length === 0, `logged as an error: ${host.errors[0] ?? ""}`);
  return { detail: "room left, stream OK, no session, room or track, no error logged", value: undefined };
}

/** Waits for a stream's end, which must be OK, and returns its reason. */
async function endOf(listening: Listening): Promise<string> {
  await eventually("the stream ends", () => listening.isEnded, STATUS_MAX_MS);
  const { code, details, metadata } = await listening.ended;
  demand(code === status.OK, `the stream ended ${status[code]}: ${details}`);
  return String(metadata.get("bridge-end-reason")[0]);
}

async function audioGoesOn(reception: Reception, phone: Phone): Promise<void> {
  await pause(PROOF_MS);
  await caughtUp(reception, phone);
  demandWhole(reception);
}

/** Everything that the phone has sent so far has come. */
async function caughtUp(reception: Reception, phone: Phone): Promise<void> {
  const sequence = phone.lastSequence;
  await eventually("the phone's newest packet arrives", () => reception.lastSequence >= sequence, STATUS_MAX_MS);
}

export function demandWhole({ lost, wrong }: Reception): void {
  demand(lost === 0, `${lost} packets lost`);
  demand(wrong === 0, `${wrong} packets out of order or altered`);
}

function generationOf(metadata: Readonly<Record<string, string>>): number {
  return Number(metadata["session"]);
}

function elapsed(startMs: number): string {
  return `${(performance.now() - startMs).toFixed(0)} ms`;
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
