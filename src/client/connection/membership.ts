// JoinRoom and LeaveRoom of one user, one at a time and in the order in which they were asked for: a leave that overtakes
// the join after it would throw the user out.

import { randomUUID } from "node:crypto";
import type { Metadata } from "@grpc/grpc-js";
import type { JoinTarget } from "../bridge-client.js";
import { BridgeClientError } from "../errors.js";
import type { ClientLimits } from "../limits.js";
import type { ClientLogger } from "../log.js";
import { abortedBy, callUnary } from "../wire/calls.js";
import type { BridgeServiceClient } from "../wire/definition.js";
import type { JoinRoomResponse } from "../wire/messages.js";
import { routedMetadata } from "../wire/routing.js";
import { withoutSecrets } from "../wire/status-errors.js";

export interface MembershipInput {
  readonly userId: string;
  readonly routingKey: string;
  readonly limits: ClientLimits;
  readonly logger: ClientLogger;
}

/** What bridges said before they replaced sessions. */
const ALREADY_EXISTS = /already exists/i;

export class Membership {
  readonly #input: MembershipInput;
  #last: Promise<unknown> = Promise.resolve();
  /** Whether the bridge may have a session of the user that nobody has ended. */
  #mayBeJoined = false;
  readonly #client = randomUUID();
  #joins = 0;

  constructor(input: MembershipInput) {
    this.#input = input;
  }

  /**
   * The metadata of calls that belong to the newest join. By its stamp the bridge knows a call that was long under way, in a
   * connection that came back to life, from one that is meant.
   */
  metadata(more: Readonly<Record<string, string>> = {}): Metadata {
    return routedMetadata(this.#input.routingKey, { ...more, "bridge-join": `${this.#client}.${this.#joins}` });
  }

  /** Settles when everything asked for so far is over. Never rejects. */
  get idle(): Promise<void> {
    return this.#last.then(
      () => undefined,
      () => undefined,
    );
  }

  join(client: () => BridgeServiceClient, target: JoinTarget, signal: AbortSignal): Promise<JoinRoomResponse> {
    return this.#next(async () => {
      // Before anything is touched: a join that is never sent has no session to be left, and needs no connection.
      if (signal.aborted) throw abortedBy(signal, "JoinRoom");
      const response = await this.#call(client(), target, signal);
      if (response.success || !ALREADY_EXISTS.test(response.error)) return answered(response, target);
      await this.#callLeave(client(), "rejoin");
      return answered(await this.#call(client(), target, signal), target);
    });
  }

  /** Never rejects: a bridge that cannot be told finds out by itself. */
  leave(client: () => BridgeServiceClient, reason: string): Promise<void> {
    return this.#next(async () => {
      if (this.#mayBeJoined) await this.#callLeave(client(), reason);
    });
  }

  /**
   * The bridge has ended the session by itself, or will: its stream is gone. A LeaveRoom could only hit somebody who has
   * joined as the same user since.
   */
  ended(): void {
    this.#mayBeJoined = false;
  }

  #next<T>(job: () => Promise<T>): Promise<T> {
    const run = this.idle.then(job);
    this.#last = run;
    return run;
  }

  async #call(client: BridgeServiceClient, target: JoinTarget, signal: AbortSignal): Promise<JoinRoomResponse> {
    const { userId, limits } = this.#input;
    this.#joins += 1;
    // Until the answer says otherwise: nobody knows how far a call has come that was given up.
    this.#mayBeJoined = true;
    const response = await callUnary({
      name: "JoinRoom",
      method: client.joinRoom.bind(client),
      request: {
        user_id: userId,
        room_name: target.roomName,
        token: target.token,
        livekit_url: target.url,
        target_identity: target.targetIdentity ?? userId,
      },
      metadata: this.metadata(),
      timeoutMs: limits.joinTimeoutMs,
      signal,
    }).catch((error: unknown) => {
      if (!(error instanceof BridgeClientError) || !error.message.includes(target.token)) throw error;
      throw new BridgeClientError(error.code, withoutToken(error.message, target));
    });
    this.#mayBeJoined = response.success;
    return response;
  }

  async #callLeave(client: BridgeServiceClient, reason: string): Promise<void> {
    const { userId, limits, logger } = this.#input;
    try {
      await callUnary({
        name: "LeaveRoom",
        method: client.leaveRoom.bind(client),
        request: { user_id: userId, reason },
        metadata: this.metadata(),
        timeoutMs: limits.callTimeoutMs,
      });
      this.#mayBeJoined = false;
    } catch (error) {
      logger.debug({ error: error instanceof Error ? error.message : String(error) }, "LeaveRoom failed");
    }
  }
}

function answered(response: JoinRoomResponse, target: JoinTarget): JoinRoomResponse {
  if (response.success) return response;
  const text = withoutSecrets(withoutToken(response.error, target));
  throw new BridgeClientError("join_failed", text || "JoinRoom failed without a reason");
}

/** Whatever a token looks like: this one is known. */
function withoutToken(text: string, { token }: JoinTarget): string {
  return token === "" ? text : text.replaceAll(token, "[token]");
}
