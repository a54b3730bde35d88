// A stand-in with a plain client of grpc-js at it, for tests of the stand-in itself.

import { Metadata } from "@grpc/grpc-js";
import type { ChannelOptions } from "@grpc/grpc-js";
import { createTestClient } from "../../support/old-client.js";
import type { JoinResult, TestClient, TestStream } from "../../support/old-client.js";
import { startStandIn, stopStandIns } from "./stand-in.js";
import type { StandIn, StandInOptions } from "./stand-in.js";

export interface Pair {
  readonly bridge: StandIn;
  readonly client: TestClient;
}

const clients: TestClient[] = [];

export async function pair(options: StandInOptions = { kind: "new" }, channel: ChannelOptions = {}): Promise<Pair> {
  const bridge = await startStandIn(options);
  return { bridge, client: connect(bridge, channel) };
}

/** Another client, with a connection of its own. */
export function connect(bridge: StandIn, channel: ChannelOptions = {}): TestClient {
  const client = createTestClient(bridge.address, channel);
  clients.push(client);
  return client;
}

/** For `afterEach`. */
export async function closePairs(): Promise<void> {
  for (const client of clients.splice(0)) client.close();
  await stopStandIns();
}

export function join(client: TestClient, userId = "alice"): Promise<JoinResult> {
  const token = `a token of ${userId}`;
  return client.join({ user_id: userId, room_name: userId, token, livekit_url: "", target_identity: userId });
}

/** A stream on which heartbeats are to be echoed. */
export function echoing(client: TestClient, userId = "alice"): TestStream {
  const metadata = new Metadata();
  metadata.set("bridge-echo", "1");
  return client.stream(userId, metadata);
}

export function reasonOf({ metadata }: { readonly metadata: Metadata }): string | undefined {
  return metadata.get("bridge-end-reason").map(String)[0];
}

/** What it is rejected with; undefined if it is fulfilled. */
export function rejected(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

export function wait(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
