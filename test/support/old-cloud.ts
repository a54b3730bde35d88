// The cloud of old, as the bridge sees it: one channel for all users, first chunk empty, no heartbeats, no metadata; after
// a non-OK end one single retry, exactly 2.0 s later, with the same token: LeaveRoom, JoinRoom, a new stream. After an OK
// end nothing at all.

import { status } from "@grpc/grpc-js";
import type { JoinParams, TestStream } from "./old-client.js";
import { createTestClient } from "./old-client.js";

const RETRY_AFTER_MS = 2000;

export interface OldCloud {
  connect(user: string): Promise<void>;
  /** Users whose stream is open and has been accepted. */
  connected(): number;
  /** Retries that have been made. */
  retries(): number;
  /** Retries that failed: dead until somebody touches the microphone. */
  dead(): number;
  stream(user: string): TestStream | undefined;
  close(): void;
}

/**
 * For a retry that is to meet a bridge which is started meanwhile: on a machine that starts it more slowly than the retry
 * comes, the retry waits longer. `startedInMs` is what the bridge before it needed.
 */
export function retryAfterStart(startedInMs: number): number {
  return Math.max(RETRY_AFTER_MS, 2 * startedInMs);
}

export function createOldCloud(
  address: string,
  params: (user: string) => Promise<JoinParams>,
  retryAfterMs = RETRY_AFTER_MS,
): OldCloud {
  const client = createTestClient(address);
  const streams = new Map<string, TestStream>();
  const accepted = new Set<string>();
  let retries = 0;
  let dead = 0;
  let isClosed = false;

  async function join(request: JoinParams, isRetry: boolean): Promise<void> {
    const user = request.user_id;
    const result = await client.join(request);
    if (!result.success) throw new Error(result.error);
    const stream = client.stream(user);
    streams.set(user, stream);
    void stream.metadata.then(() => streams.get(user) === stream && accepted.add(user));
    void stream.ended.then(({ code }) => {
      accepted.delete(user);
      if (code === status.OK || isRetry || isClosed) return;
      setTimeout(() => void retry(request), retryAfterMs);
    });
    await stream.metadata;
  }

  async function retry(request: JoinParams): Promise<void> {
    retries += 1;
    try {
      await client.leave(request.user_id, "User disconnected").catch(() => undefined);
      await join(request, true);
    } catch {
      dead += 1;
    }
  }

  return {
    connect: async (user) => join(await params(user), false),
    connected: () => accepted.size,
    retries: () => retries,
    dead: () => dead,
    stream: (user) => streams.get(user),
    close() {
      isClosed = true;
      client.close();
    },
  };
}
