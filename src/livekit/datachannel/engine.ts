// The engine on libdatachannel: a LiveKit client of our own, with what a bridge needs and nothing else.

import { checkToken, parseServerUrl } from "../connect-check.js";
import { createConnectThrottle } from "../connect-throttle.js";
import { createPacer } from "../pacer.js";
import { RoomConnectError, type RoomEngine } from "../room.js";
import { within } from "../../within.js";
import { DatachannelRoom } from "./datachannel-room.js";
import { IceServerMemory } from "./ice-servers.js";
import { acquireNative, releaseNative } from "./native.js";
import { loadOpus } from "./opus-encoder.js";
import { completeOptions, type DatachannelEngineOptions } from "./options.js";
import { FRAME_MS } from "./publication.js";
import { RelayNames } from "./relay-names.js";
import { Turns } from "./turns.js";
import { WayMemory } from "./way-memory.js";

export type { DatachannelEngineOptions } from "./options.js";

/** Engines of one process share the native library; each has its own rooms and limits. Main thread only. */
export async function createDatachannelEngine(engineOptions: DatachannelEngineOptions): Promise<RoomEngine> {
  const options = completeOptions(engineOptions);
  const { clock } = options;
  await loadOpus();
  acquireNative();
  const shared = {
    options,
    pacer: createPacer(clock, FRAME_MS),
    turns: new Turns(() => clock.now()),
    iceServers: new IceServerMemory(new RelayNames(clock)),
    ways: new WayMemory(() => clock.now()),
    throttle: createConnectThrottle({
      clock,
      concurrencyMax: options.connectConcurrencyMax,
      slotMaxMs: options.connectSlotMaxMs,
    }),
  };
  /** Those that are being joined included. */
  const rooms = new Set<DatachannelRoom>();
  let disposed: Promise<void> | undefined;

  async function dispose(): Promise<void> {
    await within(clock, options.roomCloseTimeoutMs, Promise.all([...rooms].map((room) => room.close())));
    try {
      releaseNative();
    } catch (error) {
      options.logger.error({ err: error }, "libdatachannel did not end in good order");
    }
  }

  return {
    name: "datachannel",
    async connect(request, listener) {
      if (disposed) throw new RoomConnectError("aborted", "the engine is disposed");
      const server = parseServerUrl(request.url);
      checkToken(request.token);
      const onReleased = (room: DatachannelRoom) => rooms.delete(room);
      const room = new DatachannelRoom({ ...shared, request, server, listener, onReleased });
      rooms.add(room);
      await room.join();
      return room;
    },
    counts() {
      const joined = [...rooms].filter((room) => room.isJoined);
      const tracks = joined.reduce((sum, room) => sum + room.trackCount, 0);
      return { rooms: joined.length, connecting: rooms.size - joined.length, tracks };
    },
    dispose: () => (disposed ??= dispose()),
  };
}
