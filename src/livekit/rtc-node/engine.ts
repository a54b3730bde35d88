// The engine on LiveKit's native library. Importing this module loads the native part; nothing else does.

import {
  ContinualGatheringPolicy,
  IceTransportType,
  type PartialMessage,
  type RoomOptions,
} from "@livekit/rtc-ffi-bindings";
import { createPacer } from "../pacer.js";
import { RoomConnectError } from "../room.js";
import type { ConnectRequest, RoomEngine, RoomListener } from "../room.js";
import { FRAME_MS } from "./audio-track.js";
import { startConnectAttempt, type ConnectAttempt, type ConnectAttemptParts } from "./connect-attempt.js";
import { createConnectThrottle } from "../connect-throttle.js";
import type { Answer, FfiClient, FfiObserver } from "./ffi-client.js";
import { completeOptions, type CompleteOptions, type RtcNodeEngineOptions } from "./options.js";
import { RtcRoom, type ConnectResult } from "./rtc-room.js";
import { acquireSharedClient, releaseSharedClient } from "./shared-client.js";
import { LATE, within } from "../../within.js";

export type { RtcNodeEngineOptions } from "./options.js";

/** Engines of one process share the native library; each has its own rooms and limits. */
export function createRtcNodeEngine(rtcNodeOptions: RtcNodeEngineOptions): RoomEngine {
  const options = completeOptions(rtcNodeOptions);
  const { clock, logger } = options;
  const client = acquireSharedClient();
  const observer = observe(client, options);
  const pacer = createPacer(clock, FRAME_MS);
  const rooms = new Set<RtcRoom>();
  const attempts = new Set<ConnectAttempt>();
  let abandoned = 0;
  let disposed: Promise<void> | undefined;

  const attemptParts: ConnectAttemptParts = {
    clock,
    throttle: createConnectThrottle({
      clock,
      concurrencyMax: options.connectConcurrencyMax,
      slotMaxMs: options.connectSlotMaxMs,
    }),
    settleMaxMs: options.connectSettleMaxMs,
    callConnect: (request) => callConnect(client, options, request),
    leave: (result) => enter(result, DEAF).close(),
    onAbandoned(settled) {
      abandoned += 1;
      void settled.finally(() => (abandoned -= 1));
    },
  };

  function enter(result: ConnectResult, listener: RoomListener): RtcRoom {
    const room = new RtcRoom({ client, options, pacer, result, listener, onReleased: (left) => rooms.delete(left) });
    rooms.add(room);
    return room;
  }

  async function dispose(): Promise<void> {
    for (const attempt of attempts) attempt.abort();
    const leaving = [...[...rooms].map((room) => room.close()), ...[...attempts].map((attempt) => attempt.joined)];
    await within(clock, options.roomCloseTimeoutMs, Promise.allSettled(leaving));
    client.unobserve(observer);
    const outcome = await within(clock, options.roomCloseTimeoutMs, releaseSharedClient());
    if (outcome === LATE) logger.warn({}, "the native part did not end in time");
    for (const attempt of attempts) attempt.drop();
  }

  return {
    name: "rtc-node",
    async connect(request, listener) {
      if (disposed) throw new RoomConnectError("aborted", "the engine is disposed");
      const attempt = startConnectAttempt(request, attemptParts);
      attempts.add(attempt);
      try {
        const room = enter(await attempt.joined, listener);
        if (!request.signal.aborted && !disposed) return room;
        await room.close();
        throw new RoomConnectError("aborted", "given up in the moment of joining");
      } finally {
        attempts.delete(attempt);
      }
    },
    counts() {
      let tracks = 0;
      for (const room of rooms) tracks += room.trackCount;
      return { rooms: rooms.size, connecting: attempts.size + abandoned, tracks };
    },
    dispose: () => (disposed ??= dispose()),
  };
}

async function callConnect(
  client: FfiClient,
  options: CompleteOptions,
  { url, token }: ConnectRequest,
): Promise<Answer<"connect"> | Error> {
  try {
    return await client.call({ case: "connect", value: { url, token, options: roomOptions(options) } });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function roomOptions(options: CompleteOptions): PartialMessage<RoomOptions> {
  return {
    autoSubscribe: false,
    dynacast: false,
    adaptiveStream: false,
    joinRetries: options.connectRetries,
    connectTimeoutMs: BigInt(options.connectTimeoutMs),
    // Two small connections instead of one made for six incoming tracks: half the CPU of a join, and less memory.
    singlePeerConnection: false,
    rtcConfig: {
      iceTransportType: IceTransportType.TRANSPORT_ALL,
      // Gathering for ever keeps about 40 sockets open per room and starts anew whenever another room joins; once costs
      // 7. It would matter to a phone that changes networks.
      continualGatheringPolicy: ContinualGatheringPolicy.GATHER_ONCE,
      // None means those that the server names.
      iceServers: [],
    },
  };
}

function observe(client: FfiClient, options: CompleteOptions): FfiObserver {
  const { logger, onPanic } = options;
  const observer: FfiObserver = {
    panic(message) {
      // Only a room whose event loop was blocked for 15 s while it joined; it ends as a lost connection.
      if (message.includes("ReadyForRoomEvent")) return logger.warn({ panic: message }, "joined too late");
      logger.error({ panic: message }, "native panic");
      onPanic(message);
    },
    fault: (error) => logger.error({ err: error }, "handling a native event failed"),
  };
  client.observe(observer);
  return observer;
}

/** Hears nothing: for rooms that are only entered to be left. */
const DEAF: RoomListener = {
  packet: () => undefined,
  participantJoined: () => undefined,
  participantLeft: () => undefined,
  reconnecting: () => undefined,
  reconnected: () => undefined,
  ended: () => undefined,
};
